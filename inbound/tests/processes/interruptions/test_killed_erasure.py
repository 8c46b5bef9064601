"""The worker is killed while it erases mail, rows and objects: another continues and counts nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from domains.deletion.received import BATCH
from domains.models import Domain, DomainDeletion
from inbound.tests.processes.support.clients import EmulatedAws
from inbound.tests.processes.support.stack import Stack, wait_for
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.support.factories import DomainFactory
from mail.models import Message
from mail.tests.erasure.mails import write_mails
from ses_integration.emulator import stored_objects
from ses_integration.emulator.server import Emulator
from ses_integration.storage.bucket import KEYS_PER_CALL

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

BUCKET = "inbound-mail"
# Longer than it takes to see the call arrive and to kill the process that waits for the answer.
DELAY_SECONDS = 3.0
OBJECTS = 2_000
# Every object has a version and a delete marker, so there are four pages.
HISTORY = [b"mail", None]
STORED = OBJECTS * len(HISTORY)
MAILS = 1_201


@pytest.fixture
def stack_of(stack_with: Callable[..., Stack], ses: Emulator) -> Stack:
    """Processes that use the emulator of the test process, whose bucket the test can fill directly."""
    port = urlsplit(ses.url).port
    assert port is not None
    stack = stack_with(AWS_ENDPOINT_URL=ses.url, SES_AUTO_SETUP="false")
    stack.aws = EmulatedAws(port)
    return stack


def test_a_third_worker_finishes_erasing_after_two_were_killed(stack_of: Stack, ses: Emulator, user: User) -> None:
    domain = DomainFactory(owner=user, name="example.com")
    prefix = domain.key_prefix
    stored_objects.store_versions(BUCKET, ((f"{prefix}{number:04}", HISTORY) for number in range(OBJECTS)))
    stored_objects.store_versions(BUCKET, [("emails/example.org/indm_other/mail", [b"mail"])])
    Domain.objects.filter(pk=domain.pk).delete()

    # Killed while it lists the next page: nothing is lost.
    _kill_during(stack_of, "ListObjectVersions")
    assert _counted() == STORED - stored_objects.count_versions(BUCKET, prefix) == KEYS_PER_CALL
    # Killed while S3 deletes a page: nobody records that.
    _kill_during(stack_of, "DeleteObjects")
    wait_for(
        lambda: stored_objects.count_versions(BUCKET, prefix) == STORED - 3 * KEYS_PER_CALL,
        within=20,
        what="the call of the killed worker is applied",
    )
    assert _counted() == 2 * KEYS_PER_CALL
    _expire_claim()
    stack_of.another_worker("last worker").start()
    wait_for(lambda: DomainDeletion.objects.get().finished_at, within=40, what="the deletion is finished")

    record = DomainDeletion.objects.get()
    assert stored_objects.count_versions(BUCKET, prefix) == 0
    assert stored_objects.count_versions(BUCKET, "emails/") == 1
    # All but the page whose answer nobody received.
    assert record.erased_versions == STORED - KEYS_PER_CALL
    assert record.late_versions == 0


def test_rows_are_counted_once_if_the_worker_is_killed_between_batches(stack_of: Stack, user: User) -> None:
    domain = DomainFactory(owner=user, name="example.com")
    write_mails(domain, MAILS)
    Domain.objects.filter(pk=domain.pk).delete()
    in_third_batch = Message.objects.order_by("arrived_at", "pk")[2 * BATCH]
    worker = stack_of.another_worker("killed over rows")
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=in_third_batch.pk)
        worker.start()
        wait_for(a_transaction_waits_for_a_lock, within=40, what="the worker has come to the third batch")
        worker.kill()
        assert DomainDeletion.objects.get().erased_emails == MAILS - Message.objects.count() == 2 * BATCH
    stack_of.another_worker("last worker").start()
    wait_for(lambda: DomainDeletion.objects.get().finished_at, within=40, what="the deletion is finished")

    record = DomainDeletion.objects.get()
    assert (record.erased_emails, record.erased_attachments) == (MAILS, 2 * MAILS)
    assert not Message.objects.exists()


def _kill_during(stack: Stack, action: str) -> None:
    """Start a worker, and kill it in the second call of this action."""
    _expire_claim()
    stack.aws.add_fault(service="s3", action=action, fault="delay", seconds=DELAY_SECONDS, skip=1)
    worker = stack.another_worker(f"killed over {action}")
    worker.start()
    wait_for(stack.aws.faults_are_used, within=40, what=f"the worker waits for {action}")
    worker.kill()


def _expire_claim() -> None:
    """End the minute for which the killed worker has claimed the deletion."""
    DomainDeletion.objects.update(retry_at=None)


def _counted() -> int:
    return DomainDeletion.objects.get().erased_versions
