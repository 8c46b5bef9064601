"""The worker is killed over stored mail of several pages: another one goes on, and no version is counted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User

from domains.models import Domain, DomainDeletion
from inbound.tests.factories import DomainFactory
from inbound.tests.processes.stack import Stack, eventually
from inbound.tests.processes.wire import EmulatedAws
from ses_integration.emulator import stored_objects
from ses_integration.emulator.server import Emulator
from ses_integration.storage.erase import KEYS_PER_CALL

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

BUCKET = "inbound-mail"
# Longer than it takes to see that the call has come and to kill who waits for the answer.
DELAY_SECONDS = 3.0
OBJECTS = 2_000
# Every object has been deleted by somebody: its version and the marker, so that there are four pages.
HISTORY = [b"mail", None]
STORED = OBJECTS * len(HISTORY)


@pytest.fixture
def stack_of(stack_with: Callable[..., Stack], ses: Emulator) -> Iterator[Stack]:
    """Processes whose AWS is this process's, which can be filled past the wire."""
    port = urlsplit(ses.url).port
    assert port is not None
    with stored_objects.quick_lists():
        stack = stack_with(AWS_ENDPOINT_URL=ses.url, SES_AUTO_SETUP="false")
        stack.aws = EmulatedAws(port)
        yield stack


def test_a_third_worker_finishes_what_two_were_killed_over(stack_of: Stack, ses: Emulator, user: User) -> None:
    domain = DomainFactory(owner=user, name="example.com")
    prefix = domain.key_prefix
    stored_objects.fill(BUCKET, ((f"{prefix}{number:04}", HISTORY) for number in range(OBJECTS)))
    stored_objects.fill(BUCKET, [("emails/example.org/indm_other/mail", [b"mail"])])
    Domain.objects.filter(pk=domain.pk).delete()

    # After a page it asks for the next one, and has no answer yet: nothing is lost with it.
    _killed_over(stack_of, "ListObjectVersions")
    assert _counted() == STORED - stored_objects.count(BUCKET, prefix) == KEYS_PER_CALL
    # After another page S3 deletes a third one for it, and there is nobody any more to write that down.
    _killed_over(stack_of, "DeleteObjects")
    eventually(
        lambda: stored_objects.count(BUCKET, prefix) == STORED - 3 * KEYS_PER_CALL,
        within=20,
        what="the dead worker's call had landed",
    )
    assert _counted() == 2 * KEYS_PER_CALL
    _take_over()
    stack_of.another_worker("last worker").start()
    eventually(lambda: DomainDeletion.objects.get().finished_at, within=40, what="the deletion was finished")

    record = DomainDeletion.objects.get()
    assert stored_objects.count(BUCKET, prefix) == 0
    assert stored_objects.count(BUCKET, "emails/") == 1
    # One page less than there was: the one whose answer nobody got.
    assert record.erased_versions == STORED - KEYS_PER_CALL
    assert record.late_versions == 0


def _killed_over(stack: Stack, action: str) -> None:
    """A new worker, that erases one page and dies in its next call of that action."""
    _take_over()
    stack.aws.behave_badly(service="s3", action=action, fault="delay", seconds=DELAY_SECONDS, skip=1)
    worker = stack.another_worker(f"killed over {action}")
    worker.start()
    eventually(stack.aws.has_met_its_faults, within=40, what=f"the worker was waiting for {action}")
    worker.kill()


def _take_over() -> None:
    """The minute for which a dead worker has the record for itself is over. It is nothing but a moment that is past."""
    DomainDeletion.objects.update(retry_at=None)


def _counted() -> int:
    return DomainDeletion.objects.get().erased_versions
