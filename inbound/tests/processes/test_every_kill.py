"""Both deletions, and the process that carries them out is killed: at every step, one process for each.

The steps are found by a run that is only counted (`fork_server.Steps`). Whatever is killed wherever, a worker that comes
after it finds all that is owed.
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
from domains.lifecycle.identity import complete_identities
from domains.models import Domain, DomainDeletion
from inbound.models import issue_key
from inbound.tests.aws import store_mail, stored_keys
from inbound.tests.factories import BlockedEmailFactory, DomainFactory, EmailAddressFactory
from inbound.tests.processes.checks import (
    assert_ledger_equals_ses,
    assert_no_rule_receives_everything,
    assert_ses_equals_rows,
    expire_lease,
    pending,
    settle,
)
from inbound.tests.processes.forks import ForkServer, Incarnation
from inbound.tests.processes.stack import Stack
from inbound.tests.processes.wire import EmulatedAws
from inbound.tests.rotation import Rotation
from ses_integration.emulator.server import Emulator
from ses_integration.models import DomainSync

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

ROUNDS = 4
# The documented six, and three for DKIM.
DNS_RECORDS = 9


@dataclass(frozen=True)
class Deletion:
    """What is deleted of a domain with these addresses: one of them, or all of it."""

    name: str
    addresses: str
    whole_domain: bool = False


# The domain's deletion contains the steps of the others, so only theirs rotate.
DELETIONS = [
    Deletion("one-of-several-addresses", "ab"),
    Deletion("last-address", "a"),
    Deletion("domain", "ab", whole_domain=True),
]


class Place:
    """One installation: processes that can be killed, the rows and what SES holds."""

    def __init__(self, stack: Stack, forks: ForkServer, user: User) -> None:
        self.stack = stack
        self.forks = forks
        self._user = user

    def given(self, deletion: Deletion, name: str) -> str:
        """A domain with all that can hang on it; the path that deletes what the deletion is about."""
        with transaction.atomic():
            domain = DomainFactory(owner=self._user, name=name)
            rows = [EmailAddressFactory(domain=domain, address=f"{local}@{name}") for local in deletion.addresses]
            BlockedEmailFactory(domain=domain)
        # SES has its identity by now, and so its owner has the records to publish.
        complete_identities()
        if not deletion.whole_domain:
            return f"email-addresses/{rows[0].pk}"
        store_mail(f"{domain.key_prefix}mail")
        return f"domains/{domain.pk}"

    def delete(self, path: str, kill_at: int | None = None) -> Incarnation:
        """By a key of its own: its first use is a write, and so a step."""
        return self.forks.delete(path, issue_key(owner=self._user, name="test")[1], kill_at=kill_at)

    def time_passes(self) -> None:
        """All that the killed process still claims has run out, and it is everybody's turn.

        Faithful as the two in `checks`: each of these moments is nothing but a column that is past, and nobody is alive
        who could do anything until then.
        """
        expire_lease()
        settle()
        DomainSync.objects.update(retry_at=None)
        # The worker leaves the rows of a new deletion to its request, for as long as that may take.
        DomainDeletion.objects.update(retry_at=None, started_at=F("started_at") - timedelta(hours=1))

    def finish(self) -> None:
        """A new worker, until nothing is owed."""
        for _ in range(ROUNDS):
            self.time_passes()
            self.forks.worker()
            if not pending():
                return
        raise AssertionError(f"The worker leaves something behind: {pending()}")

    def assert_all_is_well(self, deletion: Deletion, name: str, *, deleted: bool) -> None:
        assert_ses_equals_rows(self.stack)
        assert_ledger_equals_ses(self.stack)
        assert_no_rule_receives_everything(self.stack)
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
        assert (record.rules, record.identity, record.rows, record.stored_mail) == ("done",) * 4
        gone = (record.email_addresses, record.blocked_emails, record.dns_records)
        assert gone == (len(deletion.addresses), 1, DNS_RECORDS)
        assert not [key for key in stored_keys() if key.startswith(record.key_prefix)]


@pytest.fixture
def place(stack_with: Callable[..., Stack], ses: Emulator, user: User, tmp_path: Path) -> Iterator[Place]:
    # On a slow machine, too, a request comes to its end, and doubts are settled only when the test says so.
    patience = {"SES_REQUEST_BUDGET": "60", "SES_CALL_SETTLE_SECONDS": "900"}
    stack = stack_with(AWS_ENDPOINT_URL=ses.url, SES_AUTO_SETUP="false", **patience)
    port = urlsplit(ses.url).port
    assert port is not None
    stack.aws = EmulatedAws(port)
    forks = ForkServer(stack.env, tmp_path / "stack0" / "forks.log")
    # The first round of all writes what later ones find.
    forks.worker()
    yield Place(stack, forks, user)
    forks.stop()


def first_commit(steps: list[str]) -> int:
    """The number of the step at which the rows have changed and nobody else has heard of it."""
    return next(number for number, step in enumerate(steps, start=1) if "COMMIT" in step)


@pytest.mark.parametrize("deletion", DELETIONS, ids=lambda deletion: deletion.name)
def test_the_web_process_is_killed(
    place: Place, subtests: pytest.Subtests, deletion: Deletion, rotation: Rotation
) -> None:
    steps = place.delete(place.given(deletion, "counted.org")).steps
    for number, step in enumerate(steps, start=1):
        if not (deletion.whole_domain or rotation.takes(number)):
            continue
        with subtests.test(f"{number}, {step}"):
            name = f"{deletion.name}-{number}.org"
            incarnation = place.delete(place.given(deletion, name), kill_at=number)
            assert incarnation.killed
            assert incarnation.steps == steps[:number]
            place.finish()
            place.assert_all_is_well(deletion, name, deleted=number >= first_commit(steps))


@pytest.mark.parametrize("deletion", DELETIONS, ids=lambda deletion: deletion.name)
def test_the_worker_is_killed(place: Place, subtests: pytest.Subtests, deletion: Deletion, rotation: Rotation) -> None:
    """Over a deletion whose request was killed before it could do anything but change the rows."""
    cut_off = first_commit(place.delete(place.given(deletion, "counted.org")).steps)

    def leave_to_the_worker(name: str) -> None:
        assert place.delete(place.given(deletion, name), kill_at=cut_off).killed
        place.time_passes()

    place.finish()
    leave_to_the_worker("worked-off.org")
    steps = place.forks.worker().steps
    for number, step in enumerate(steps, start=1):
        if not (deletion.whole_domain or rotation.takes(number)):
            continue
        with subtests.test(f"{number}, {step}"):
            name = f"{deletion.name}-{number}.org"
            leave_to_the_worker(name)
            incarnation = place.forks.worker(kill_at=number)
            assert incarnation.killed
            assert incarnation.steps == steps[:number]
            place.finish()
            place.assert_all_is_well(deletion, name, deleted=True)
