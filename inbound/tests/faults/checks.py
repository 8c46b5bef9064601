"""What must hold: no answer claims too much, and in the end nothing is pending and rows, ledger and SES agree."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from django.db.models import Count, F
from django.test import override_settings
from django.utils import timezone

from domains.models import Domain, DomainDeletion, Step
from inbound.tests.faults.cases.actions import Claim
from inbound.tests.faults.installation import Installation, rows
from inbound.tests.processes.support.checks import pending
from inbound.tests.support.aws import calls, identities, key_prefixes, rules, stored_keys
from inbound.worker import Worker
from ses_integration.aws.wire import OWNER_TAG
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry
from ses_integration.tests.emulator.clients import control

ROUNDS = 12
# The six documented records, and three for DKIM.
DNS_RECORDS = 9


def short_budget() -> AbstractContextManager[Any]:
    """A request budget below the shortest back-off, so that no request waits for a retry."""
    return override_settings(SES_REQUEST_BUDGET=0.4)


def postpone_everything() -> None:
    """Postpone pending work until `make_everything_due`, so that no other request does it, even on a slow machine."""
    DomainSync.objects.filter(generation__gt=F("observed_generation")).update(
        retry_at=timezone.now() + timedelta(hours=1)
    )


def make_everything_due() -> None:
    """End all back-offs, and the time in which the worker leaves a deletion to its request. Unanswered calls may still be
    applied."""
    DomainSync.objects.update(retry_at=None)
    DomainDeletion.objects.update(retry_at=None, started_at=F("started_at") - timedelta(hours=1))


def expire_unanswered_calls() -> None:
    """Make it too late for SES to apply unanswered calls."""
    InFlightCall.objects.update(until=timezone.now() - timedelta(seconds=1))


def work_until_idle(installation: Installation, worker: Worker) -> None:
    """Run the worker until it finds nothing to do. Raises AssertionError after `ROUNDS` rounds."""
    # Only the next check of a domain sees a MAIL FROM domain that SES has refused, and the one after it the new one.
    Domain.objects.update(next_check=timezone.now())
    worker.tick()
    for _ in range(ROUNDS):
        before, at_rest = _writes(installation), not pending()
        make_everything_due()
        Domain.objects.update(next_check=timezone.now())
        expire_unanswered_calls()
        worker.tick()
        if at_rest and not pending() and _writes(installation) == before:
            return
    raise AssertionError(f"The worker does not finish. Pending: {pending()}")


def _writes(installation: Installation) -> int:
    return sum(not action.startswith(("Describe", "Get", "List")) for action in calls(installation.ses))


def assert_claims_hold(claims: Iterable[Claim], installation: Installation) -> None:
    """SES holds what the answers claim, and no more."""
    rules_held, identities_held = rules(installation.ses), identities(installation.ses)
    recipients = set().union(*rules_held.values())
    held = {
        "recipient": recipients,
        "rules": {recipient.rpartition("@")[2] for recipient in recipients},
        "identity": identities_held,
    }
    assert [claim for claim in claims if (claim.name in held[claim.kind]) != claim.held] == []


def assert_rules_held(installation: Installation, *domains: str) -> None:
    """SES holds the rules of these domains (default: all). It may hold other rules."""
    desired: dict[str, set[str]] = {}
    for name in domains or installation.expected:
        desired |= installation.expected[name].rules(name)
    held = rules(installation.ses)
    assert {rule: held.get(rule) for rule in desired} == desired


def foreign_rules(installation: Installation) -> list[Any]:
    """The complete rules that are not ours. Their names start with "theirs"."""
    _, regions = control(installation.ses.url, "GET", "/_ses")
    held = regions[ses_config().region]["rule_sets"].get(ses_config().rule_set, [])
    return sorted((rule for rule in held if rule["Name"].startswith("theirs")), key=lambda rule: str(rule["Name"]))


def assert_up_to_date(installation: Installation, *, tagged: bool = True) -> None:
    """Rows, ledger and SES are as expected, and every deletion is finished, including its stored mail."""
    assert rows() == {name: receiving.rows(name) for name, receiving in installation.expected.items()}
    desired = {name: receiving.rules(name) for name, receiving in installation.expected.items()}
    recipients = {rule: held for rules_of in desired.values() for rule, held in rules_of.items()}
    others = {rule["Name"] for rule in foreign_rules(installation)}
    assert {rule: held for rule, held in rules(installation.ses).items() if rule not in others} == recipients
    assert {rule: prefix for rule, prefix in key_prefixes(installation.ses).items() if rule not in others} == {
        rule: row.key_prefix for row in Domain.objects.all() for rule in desired[row.name]
    }
    entries = LedgerEntry.objects.exclude(presence="absent").prefetch_related("recipients")
    assert {
        entry.name: {row.recipient for row in entry.recipients.all()} for entry in entries if entry.kind == "rule"
    } == recipients
    assert {entry.name for entry in entries if entry.kind == "identity"} == set(installation.expected)
    held = _identities(installation)
    assert {name: mail_from for name, (_, mail_from) in held.items()} == {
        name: f"mail.{name}" for name in installation.expected
    }
    ours = [{"Key": OWNER_TAG, "Value": ses_config().installation_id}]
    assert not tagged or [name for name, (tags, _) in held.items() if tags != ours] == []
    live = Domain.objects.filter(deleting_since=None).annotate(records=Count("dns_records"))
    assert dict(live.values_list("name", "records")) == dict.fromkeys(
        (name for name, receiving in installation.expected.items() if not receiving.held), DNS_RECORDS
    )
    in_grace = DomainDeletion.objects.in_grace()
    assert set(in_grace.values_list("name", "rules")) == {
        (name, Step.DONE) for name, receiving in installation.expected.items() if receiving.held
    }
    assert not DomainDeletion.objects.under_way().exists()
    assert stored_keys() == []


def _identities(installation: Installation) -> dict[str, tuple[Any, str]]:
    """The tags and the MAIL FROM domain of each identity in SES, by name."""
    _, regions = control(installation.ses.url, "GET", "/_ses")
    held = regions[ses_config().region]["identities"]
    return {identity["name"]: (identity["tags"], identity["mail_from"]) for identity in held}
