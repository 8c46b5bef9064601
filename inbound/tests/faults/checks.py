"""What must be true: no answer says too much, and in the end nothing is owed, and rows, ledger and SES are one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from django.db.models import Count, F
from django.test import override_settings
from django.utils import timezone

from domains.models import Domain, DomainDeletion
from inbound.tests.aws import calls, identities, key_prefixes, rules, stored_keys
from inbound.tests.faults.operations import Claim
from inbound.tests.faults.world import World, rows
from inbound.tests.processes.checks import pending
from inbound.worker import Worker
from ses_integration.aws.gateway import OWNER_TAG
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerIdentity
from ses_integration.tests.emulator.clients import control

ROUNDS = 12
# The documented six, and three for DKIM.
DNS_RECORDS = 9


def impatience() -> AbstractContextManager[Any]:
    """A budget that is less than the shortest back-off, so that no request waits for one."""
    return override_settings(SES_REQUEST_BUDGET=0.4)


def put_off() -> None:
    """Whatever is owed now waits until `a_while_later`: no other request meets it, however slow the machine."""
    DomainSync.objects.filter(generation__gt=F("observed_generation")).update(
        retry_at=timezone.now() + timedelta(hours=1)
    )


def a_while_later() -> None:
    """It is everybody's turn again, and unanswered calls may still land."""
    DomainSync.objects.update(retry_at=None)
    DomainDeletion.objects.update(retry_at=None)


def settle() -> None:
    """The time in which unanswered calls may land is over."""
    InFlightCall.objects.update(until=timezone.now() - timedelta(seconds=1))


def work_until_nothing_is_owed(world: World, worker: Worker) -> None:
    """The worker's rounds, until one has found nothing to do."""
    # It asks about every identity once an hour, and then sees a MAIL FROM domain that SES had refused for good.
    LedgerIdentity.objects.update(checked_at=None)
    worker.tick()
    for _ in range(ROUNDS):
        before, at_rest = _writes(world), not pending()
        a_while_later()
        settle()
        worker.tick()
        if at_rest and not pending() and _writes(world) == before:
            return
    raise AssertionError(f"The worker does not come to an end. Owed: {pending()}")


def _writes(world: World) -> int:
    return sum(not action.startswith(("Describe", "Get", "List")) for action in calls(world.ses))


def assert_true(claims: Iterable[Claim], world: World) -> None:
    """SES is as the answers have said."""
    rules_held, identities_held = rules(world.ses), identities(world.ses)
    recipients = set().union(*rules_held.values())
    held = {
        "recipient": recipients,
        "rules": {recipient.rpartition("@")[2] for recipient in recipients},
        "identity": identities_held,
    }
    assert [claim for claim in claims if (claim.name in held[claim.kind]) != claim.held] == []


def assert_received(world: World, *domains: str) -> None:
    """SES holds the rules of these domains, or of all, whatever else it holds."""
    desired: dict[str, set[str]] = {}
    for name in domains or world.expected:
        desired |= world.expected[name].rules(name)
    held = rules(world.ses)
    assert {rule: held.get(rule) for rule in desired} == desired


def theirs(world: World) -> list[Any]:
    """The rules of somebody else, whole: their names begin so."""
    _, regions = control(world.ses.url, "GET", "/_ses")
    held = regions[ses_config().region]["rule_sets"].get(ses_config().rule_set, [])
    return sorted((rule for rule in held if rule["Name"].startswith("theirs")), key=lambda rule: str(rule["Name"]))


def assert_in_line(world: World, *, tagged: bool = True) -> None:
    """SES, ledger and rows are what they should be, and every deletion is finished, stored mail included."""
    assert rows() == {name: holding.rows(name) for name, holding in world.expected.items()}
    desired = {name: holding.rules(name) for name, holding in world.expected.items()}
    recipients = {rule: held for rules_of in desired.values() for rule, held in rules_of.items()}
    others = {rule["Name"] for rule in theirs(world)}
    assert {rule: held for rule, held in rules(world.ses).items() if rule not in others} == recipients
    assert {rule: prefix for rule, prefix in key_prefixes(world.ses).items() if rule not in others} == {
        rule: row.key_prefix for row in Domain.objects.all() for rule in desired[row.name]
    }
    entries = LedgerEntry.objects.exclude(presence="absent").prefetch_related("recipients")
    assert {
        entry.name: {row.recipient for row in entry.recipients.all()} for entry in entries if entry.kind == "rule"
    } == recipients
    assert {entry.name for entry in entries if entry.kind == "identity"} == set(world.expected)
    held = _identities(world)
    assert {name: mail_from for name, (_, mail_from) in held.items()} == {
        name: f"mail.{name}" for name in world.expected
    }
    ours = [{"Key": OWNER_TAG, "Value": ses_config().installation_id}]
    assert not tagged or [name for name, (tags, _) in held.items() if tags != ours] == []
    assert dict(Domain.objects.annotate(records=Count("dns_records")).values_list("name", "records")) == dict.fromkeys(
        world.expected, DNS_RECORDS
    )
    assert not DomainDeletion.objects.filter(finished_at=None).exists()
    assert stored_keys() == []


def _identities(world: World) -> dict[str, tuple[Any, str]]:
    """Tags and MAIL FROM domain of each that SES holds."""
    _, regions = control(world.ses.url, "GET", "/_ses")
    held = regions[ses_config().region]["identities"]
    return {identity["name"]: (identity["tags"], identity["mail_from"]) for identity in held}
