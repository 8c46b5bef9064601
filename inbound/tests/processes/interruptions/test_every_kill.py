"""The process that deletes a domain or an address is killed at every step, one process for each step.

A first run counts the steps (`fork_server.Steps`). Wherever a process is killed, a later worker finishes its work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from addresses.models import EmailAddress
from domains.deletion.received import BATCH
from domains.lifecycle.identity import complete_identities
from domains.models import Domain, DomainDeletion
from inbound.models import issue_key
from inbound.tests.processes.support.checks import (
    assert_consistent,
    expire_in_flight_calls,
    expire_lease,
    pending,
)
from inbound.tests.processes.support.clients import EmulatedAws
from inbound.tests.processes.support.forks import ForkedRun, ForkServer
from inbound.tests.processes.support.stack import Stack
from inbound.tests.support.aws import store_mail, stored_keys
from inbound.tests.support.factories import BlockedEmailFactory, DomainFactory, EmailAddressFactory
from inbound.tests.support.rotation import Rotation
from mail.models import Message
from mail.tests.erasure.mails import write_mails
from ses_integration.emulator.server import Emulator
from ses_integration.models import DomainSync

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

ROUNDS = 4
# The six documented records, and three for DKIM.
DNS_RECORDS = 9
# Two batches.
MAILS = BATCH + 1


@dataclass(frozen=True)
class Deletion:
    """A deletion of a domain with these addresses, or of its first address."""

    name: str
    addresses: str
    whole_domain: bool = False


# The deletion of a domain contains the steps of the others, so only the steps of the others rotate.
DELETIONS = [
    Deletion("one-of-several-addresses", "ab"),
    Deletion("last-address", "a"),
    Deletion("domain", "ab", whole_domain=True),
]


class KillSetup:
    """An installation with processes that can be killed."""

    def __init__(self, stack: Stack, forks: ForkServer, user: User) -> None:
        self.stack = stack
        self.forks = forks
        self._user = user

    def prepare(self, deletion: Deletion, name: str) -> str:
        """Create a domain with everything that can belong to it; returns the path to delete."""
        with transaction.atomic():
            domain = DomainFactory(owner=self._user, name=name)
            rows = [EmailAddressFactory(domain=domain, address=f"{local}@{name}") for local in deletion.addresses]
            BlockedEmailFactory(domain=domain)
        # SES holds the identity by now, so this adds the DNS records.
        complete_identities()
        if not deletion.whole_domain:
            return f"email-addresses/{rows[0].pk}"
        store_mail(f"{domain.key_prefix}mail")
        write_mails(domain, MAILS)
        return f"domains/{domain.pk}"

    def delete(self, path: str, kill_at: int | None = None) -> ForkedRun:
        """Delete `path` with a new key: the first use of a key is a write, and so a step."""
        return self.forks.delete(path, issue_key(owner=self._user, name="test")[1], kill_at=kill_at)

    def expire_everything(self) -> None:
        """End the lease, claims and back-offs of the killed process.

        The same as waiting, as in `checks`: each is a column with a time, and no process is alive to act before that time.
        """
        expire_lease()
        expire_in_flight_calls()
        DomainSync.objects.update(retry_at=None)
        # The worker leaves the rows of a new deletion to its request for as long as a request may take.
        DomainDeletion.objects.update(retry_at=None, started_at=F("started_at") - timedelta(hours=1))

    def finish(self) -> None:
        """Run new workers until nothing is pending."""
        for _ in range(ROUNDS):
            self.expire_everything()
            self.forks.worker()
            if not pending():
                return
        raise AssertionError(f"The worker leaves something behind: {pending()}")

    def assert_finished(self, deletion: Deletion, name: str, *, deleted: bool) -> None:
        assert_consistent(self.stack)
        left = deletion.addresses[1:] if deleted else deletion.addresses
        if not (deletion.whole_domain and deleted):
            assert set(EmailAddress.objects.filter(domain__name=name).values_list("address", flat=True)) == {
                f"{local}@{name}" for local in left
            }
            assert not DomainDeletion.objects.filter(name=name).exists()
            return
        assert not Domain.objects.filter(name=name).exists()
        record = DomainDeletion.objects.get(name=name)
        assert record.finished_at is not None
        assert {getattr(record, step) for step in DomainDeletion.STEPS} == {"done"}
        gone = (record.email_addresses, record.blocked_emails, record.dns_records, record.erased_emails)
        assert gone == (len(deletion.addresses), 1, DNS_RECORDS, MAILS)
        assert not Message.objects.filter(domain=record.domain_id).exists()
        assert not [key for key in stored_keys() if key.startswith(record.key_prefix)]


@pytest.fixture
def setup(stack_with: Callable[..., Stack], ses: Emulator, user: User, tmp_path: Path) -> Iterator[KillSetup]:
    # On a slow machine, too, a request finishes, and unanswered calls expire only when the test says so.
    patience = {"SES_REQUEST_BUDGET": "60", "SES_CALL_SETTLE_SECONDS": "900"}
    stack = stack_with(AWS_ENDPOINT_URL=ses.url, SES_AUTO_SETUP="false", **patience)
    port = urlsplit(ses.url).port
    assert port is not None
    stack.aws = EmulatedAws(port)
    forks = ForkServer(stack.env, tmp_path / "stack0" / "forks.log")
    # The first run ever writes rows that later runs find.
    forks.worker()
    yield KillSetup(stack, forks, user)
    forks.stop()


def first_commit(steps: list[str]) -> int:
    """The number of the first commit: the rows have changed, and nothing else has happened."""
    return next(number for number, step in enumerate(steps, start=1) if "COMMIT" in step)


@pytest.mark.parametrize("deletion", DELETIONS, ids=lambda deletion: deletion.name)
def test_a_deletion_finishes_wherever_the_web_process_is_killed(
    setup: KillSetup, subtests: pytest.Subtests, deletion: Deletion, rotation: Rotation
) -> None:
    steps = setup.delete(setup.prepare(deletion, "counted.org")).steps
    for number, step in enumerate(steps, start=1):
        if not (deletion.whole_domain or rotation.takes(number)):
            continue
        with subtests.test(f"{number}, {step}"):
            name = f"{deletion.name}-{number}.org"
            run = setup.delete(setup.prepare(deletion, name), kill_at=number)
            assert run.killed
            assert run.steps == steps[:number]
            setup.finish()
            setup.assert_finished(deletion, name, deleted=number >= first_commit(steps))


@pytest.mark.parametrize("deletion", DELETIONS, ids=lambda deletion: deletion.name)
def test_a_deletion_finishes_wherever_the_worker_is_killed(
    setup: KillSetup, subtests: pytest.Subtests, deletion: Deletion, rotation: Rotation
) -> None:
    """The worker finishes a deletion whose request was killed right after the first commit."""
    first = first_commit(setup.delete(setup.prepare(deletion, "counted.org")).steps)

    def leave_to_the_worker(name: str) -> None:
        assert setup.delete(setup.prepare(deletion, name), kill_at=first).killed
        setup.expire_everything()

    setup.finish()
    leave_to_the_worker("worked-off.org")
    steps = setup.forks.worker().steps
    for number, step in enumerate(steps, start=1):
        if not (deletion.whole_domain or rotation.takes(number)):
            continue
        with subtests.test(f"{number}, {step}"):
            name = f"{deletion.name}-{number}.org"
            leave_to_the_worker(name)
            run = setup.forks.worker(kill_at=number)
            assert run.killed
            assert run.steps == steps[:number]
            setup.finish()
            setup.assert_finished(deletion, name, deleted=True)
