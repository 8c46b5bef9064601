"""What must be true in the end, and the two ways in which these tests hurry time along."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import F, QuerySet

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.processes.stack import Stack, eventually
from ses_integration.coordination.clock import database_now
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry
from ses_integration.status import sync_state


def rules_of_rows() -> dict[str, frozenset[str]]:
    """The rules that SES should hold, worked out from the rows without the application's own compiler.

    For the few addresses and the short names of these tests: one rule for each domain.
    """
    desired: dict[str, set[str]] = {}
    rows = EmailAddress.objects.filter(is_active=True, domain__deleting_since=None)
    for address, domain in rows.exclude(domain__is_catch_all_enabled=True).values_list("address", "domain__name"):
        desired.setdefault(f"inbound-{domain}-rule", set()).add(address)
    for domain in _catch_alls().values_list("name", flat=True):
        desired[f"inbound-{domain}-catchall-rule"] = {domain}
    return {name: frozenset(recipients) for name, recipients in desired.items()}


def prefixes_of_rows() -> dict[str, str]:
    addressed = _live().filter(is_catch_all_enabled=False, email_addresses__is_active=True)
    rules = [(row, "rule") for row in addressed] + [(row, "catchall-rule") for row in _catch_alls()]
    return {f"inbound-{row.name}-{suffix}": f"emails/{row.name}/{row.pk}/" for row, suffix in rules}


def _live() -> QuerySet[Domain]:
    return Domain.objects.filter(deleting_since=None)


def _catch_alls() -> QuerySet[Domain]:
    return _live().filter(is_catch_all_enabled=True)


def assert_ses_equals_rows(stack: Stack) -> None:
    """Every rule and identity that there should be, as it should be, and not one more."""
    assert stack.aws.rules() == rules_of_rows()
    assert stack.aws.prefixes() == prefixes_of_rows()
    assert stack.aws.identities() == set(_live().values_list("name", flat=True))


def assert_ledger_equals_ses(stack: Stack) -> None:
    """What the application believes is what SES holds."""
    entries = LedgerEntry.objects.filter(kind="rule").exclude(presence="absent").prefetch_related("recipients")
    believed = {entry.name: frozenset(row.recipient for row in entry.recipients.all()) for entry in entries}
    assert believed == stack.aws.rules()
    assert not LedgerEntry.objects.filter(presence="unknown").exists()


def pending() -> list[str]:
    """Everything that somebody still has to do, in words."""
    syncs = DomainSync.objects.filter(generation__gt=F("observed_generation"))
    return [
        *(f"{sync}: {sync.last_error}" for sync in syncs),
        *(f"{call.entry}: {call}" for call in InFlightCall.objects.select_related("entry")),
        *(f"deletion of {deletion}" for deletion in DomainDeletion.objects.pending()),
    ]


def wait_until_nothing_is_owed(*, within: float) -> None:
    try:
        eventually(lambda: not pending(), within=within, what="nothing was owed")
    except AssertionError as error:
        raise AssertionError(f"{error} Owed: {pending()}") from None
    assert not sync_state.pending_domains().exists()


def assert_no_rule_receives_everything(stack: Stack) -> None:
    """Whatever was sent: a rule without recipients takes the mail of every domain of the account."""
    for call in stack.aws.calls("CreateReceiptRule", "UpdateReceiptRule"):
        assert call["parameters"]["Rule"].get("Recipients"), call


def counted(journal: list[dict[str, Any]]) -> Counter[str]:
    return Counter(call["action"] for call in journal)


def expire_lease() -> None:
    """The thirty seconds of a holder that is dead, or stopped, are over.

    Faithful: that moment is nothing but `expires_at` being past, all comparisons are with the database's clock, and the
    holder, which can do nothing meanwhile, would find the same row thirty seconds later.
    """
    Lease.objects.exclude(holder="").update(expires_at=database_now())


def settle() -> None:
    """The time in which the unanswered calls may still land is over.

    Faithful once none of them is on its way any more, which the caller makes sure of: then waiting for `until` would
    change nothing else.
    """
    InFlightCall.objects.update(until=database_now())


def eventually_in_line(stack: Stack, *, within: float) -> None:
    """For an SES that forgot: until the worker has looked, nothing is owed, because nobody knows yet."""

    def in_line() -> bool:
        identities = set(_live().values_list("name", flat=True))
        return stack.aws.rules() == rules_of_rows() and stack.aws.identities() == identities

    eventually(in_line, within=within, what="SES held what the rows say")
    # SES has the last call before its answer is recorded.
    wait_until_nothing_is_owed(within=20)
