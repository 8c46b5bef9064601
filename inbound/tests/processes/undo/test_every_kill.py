"""Whoever deletes, restores or ends a grace period is killed at every step, one process for each step.

Afterwards the domain is restored on the last day, or a second later the period is over. Then either everything is back and SES
equals the rows, or nothing is left, and whoever restores is told why.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction

from domains.lifecycle.identity import complete_identities
from domains.models import Domain, DomainDeletion
from inbound.tests.processes.interruptions.test_every_kill import KillSetup
from inbound.tests.processes.support.checks import assert_consistent
from inbound.tests.processes.support.clients import EmulatedAws
from inbound.tests.processes.support.forks import ForkedRun, ForkServer
from inbound.tests.processes.support.stack import Stack
from inbound.tests.support.aws import store_mail, stored_keys
from inbound.tests.support.factories import BlockedEmailFactory, DomainFactory, EmailAddressFactory
from inbound.tests.support.rotation import Rotation
from mail.models import ReceivedEmail
from mail.tests.erasure.mails import write_mails
from ses_integration.api import database_now
from ses_integration.emulator.server import Emulator

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

MAILS = 2
RELATED = ("email_addresses", "blocked_emails", "dns_records", "messages", "received_emails")


class UndoSetup(KillSetup):
    """An installation with a grace period, and processes that can be killed."""

    def add(self, name: str) -> Domain:
        """A domain with everything that can belong to it."""
        with transaction.atomic():
            domain: Domain = DomainFactory(owner=self._user, name=name)
            for local in "ab":
                EmailAddressFactory(domain=domain, address=f"{local}@{name}")
            BlockedEmailFactory(domain=domain)
        complete_identities()
        store_mail(f"{domain.key_prefix}mail")
        write_mails(domain, MAILS)
        # A mail that is not routed yet would be, after a restore.
        ReceivedEmail.objects.filter(domain=domain).update(disposition="stored")
        return Domain.objects.get(pk=domain.pk)

    def ends(self, seconds: float) -> None:
        """Let every grace period end so many seconds from now."""
        until = database_now() + timedelta(seconds=seconds)
        Domain.objects.filter(restorable_until__isnull=False).update(restorable_until=until)
        DomainDeletion.objects.in_grace().update(restorable_until=until)


def everything(domain: Domain) -> dict[str, Any]:
    rows: dict[str, Any] = {name: list(getattr(domain, name).order_by("pk").values()) for name in RELATED}
    rows["domain"] = Domain.objects.filter(pk=domain.pk).values().first()
    rows["stored"] = [key for key in stored_keys() if key.startswith(domain.key_prefix)]
    return rows


def restore(name: str) -> str:
    """The command, in this process. Returns why it was refused, or an empty text."""
    try:
        call_command("restore_domain", name, stdout=io.StringIO())
    except CommandError as refusal:
        return str(refusal)
    except SystemExit:
        return ""  # something is still pending
    return ""


@pytest.fixture
def setup(
    stack_with: Callable[..., Stack], ses: Emulator, user: User, tmp_path: Path, settings: Any
) -> Iterator[UndoSetup]:
    patience = {"SES_REQUEST_BUDGET": "60", "SES_CALL_SETTLE_SECONDS": "900", "DOMAIN_DELETE_GRACE_DAYS": "30"}
    settings.DOMAIN_DELETE_GRACE_DAYS = 30
    stack = stack_with(AWS_ENDPOINT_URL=ses.url, SES_AUTO_SETUP="false", **patience)
    port = urlsplit(ses.url).port
    assert port is not None
    stack.aws = EmulatedAws(port)
    forks = ForkServer(stack.env, tmp_path / "stack0" / "forks.log")
    # The first run ever writes rows that later runs find.
    forks.worker()
    yield UndoSetup(stack, forks, user)
    forks.stop()


# Each kills a process at this step, and is run once without a kill to count the steps.
Act = Callable[[UndoSetup, Domain, int | None], ForkedRun]


def delete(setup: UndoSetup, domain: Domain, kill_at: int | None) -> ForkedRun:
    return setup.delete(f"domains/{domain.pk}", kill_at)


def begin_the_period(setup: UndoSetup, domain: Domain, kill_at: int | None) -> ForkedRun:
    """The worker, after the request was killed at its first commit."""
    run = setup.delete(f"domains/{domain.pk}", 1)
    first = 1
    while not DomainDeletion.objects.filter(name=domain.name).exists():
        first += 1
        run = setup.delete(f"domains/{domain.pk}", first)
    assert run.killed
    setup.expire_everything()
    return setup.forks.worker(kill_at=kill_at)


def restore_in_a_process(setup: UndoSetup, domain: Domain, kill_at: int | None) -> ForkedRun:
    setup.delete(f"domains/{domain.pk}")
    setup.expire_everything()
    return setup.forks.command("restore_domain", domain.name, kill_at=kill_at)


def end_in_a_process(setup: UndoSetup, domain: Domain, kill_at: int | None) -> ForkedRun:
    setup.delete(f"domains/{domain.pk}")
    setup.expire_everything()
    return setup.forks.command("grace_period", domain.name, "--end", "--yes", kill_at=kill_at)


def end_by_the_worker(setup: UndoSetup, domain: Domain, kill_at: int | None) -> ForkedRun:
    setup.delete(f"domains/{domain.pk}")
    setup.expire_everything()
    setup.ends(-1)
    return setup.forks.worker(kill_at=kill_at)


ACTS: list[Act] = [delete, begin_the_period, restore_in_a_process, end_in_a_process, end_by_the_worker]


def finish(setup: UndoSetup, domain: Domain, before: dict[str, Any], *, last_day: bool) -> None:
    """Restore on the last day, or a second after it, and check that everything is back, or nothing."""
    if DomainDeletion.objects.in_grace().filter(name=domain.name).exists():
        setup.ends(600 if last_day else -1)
    record = DomainDeletion.objects.filter(name=domain.name).first()
    could = record is not None and record.in_grace and last_day
    was_back = record is None or record.restored_at is not None
    refusal = restore(domain.name)
    setup.finish()
    assert_consistent(setup.stack)
    if could or was_back:
        assert refusal == "" or was_back
        assert everything(domain) == before
    else:
        assert "ended at" in refusal
        assert not Domain.objects.filter(pk=domain.pk).exists()
        assert everything(domain) == {**{key: [] for key in before}, "domain": None}
        record = DomainDeletion.objects.get(name=domain.name)
        assert {getattr(record, step) for step in DomainDeletion.STEPS} == {"done"}


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_everything_is_back_or_nothing_is_wherever_the_process_is_killed(
    setup: UndoSetup, subtests: pytest.Subtests, act: Act, rotation: Rotation
) -> None:
    counted = setup.add("counted.org")
    before = everything(counted)
    steps = act(setup, counted, None).steps
    finish(setup, counted, before, last_day=True)
    assert steps
    points = [(number, last_day) for number in range(1, len(steps) + 1) for last_day in (True, False)]
    for point, (number, last_day) in enumerate(points, start=1):
        if not rotation.takes(point):
            continue
        when = "last day" if last_day else "a second later"
        with subtests.test(f"{number}, {steps[number - 1]}, {when}"):
            domain = setup.add(f"killed-{point}.org")
            before = everything(domain)
            assert act(setup, domain, number).killed
            setup.expire_everything()
            finish(setup, domain, before, last_day=last_day)
