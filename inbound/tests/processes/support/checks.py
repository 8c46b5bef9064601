"""What must hold in the end, and two ways to make time pass."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion, Step
from inbound.tests.processes.support.stack import Stack, wait_for
from ses_integration.coordination.clock import database_now
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry
from ses_integration.status.sync_state import pending_domains


def desired_rules() -> dict[str, frozenset[str]]:
    """The rules that SES should hold, computed from the rows without the application's own compiler.

    For the few addresses and the short names of these tests: one rule for each domain.
    """
    desired: dict[str, set[str]] = {}
    rows = EmailAddress.objects.filter(is_active=True, domain__deleting_since=None)
    for address, domain in rows.exclude(domain__is_catch_all_enabled=True).values_list("address", "domain__name"):
        desired.setdefault(f"inbound-{domain}-rule", set()).add(address)
    for domain in _catch_alls().values_list("name", flat=True):
        desired[f"inbound-{domain}-catchall-rule"] = {domain}
    return {name: frozenset(recipients) for name, recipients in desired.items()}


def desired_prefixes() -> dict[str, str]:
    addressed = _live().filter(is_catch_all_enabled=False, email_addresses__is_active=True)
    rules = [(row, "rule") for row in addressed] + [(row, "catchall-rule") for row in _catch_alls()]
    return {f"inbound-{row.name}-{suffix}": f"emails/{row.name}/{row.pk}/" for row, suffix in rules}


def _live() -> QuerySet[Domain]:
    return Domain.objects.filter(deleting_since=None)


def _catch_alls() -> QuerySet[Domain]:
    return _live().filter(is_catch_all_enabled=True)


def assert_consistent(stack: Stack) -> None:
    """SES, ledger and rows agree, and no rule was ever sent without recipients."""
    assert_ses_equals_rows(stack)
    assert_ledger_equals_ses(stack)
    assert_no_rule_receives_everything(stack)


def assert_ses_equals_rows(stack: Stack) -> None:
    """SES holds exactly the rules and identities that the rows want."""
    assert stack.aws.rules() == desired_rules()
    assert stack.aws.prefixes() == desired_prefixes()
    assert stack.aws.identities() == set(_live().values_list("name", flat=True))


def assert_ledger_equals_ses(stack: Stack) -> None:
    """The ledger records exactly what SES holds."""
    entries = LedgerEntry.objects.filter(kind="rule").exclude(presence="absent").prefetch_related("recipients")
    believed = {entry.name: frozenset(row.recipient for row in entry.recipients.all()) for entry in entries}
    assert believed == stack.aws.rules()
    assert not LedgerEntry.objects.filter(presence="unknown").exists()


def pending() -> list[str]:
    """Everything that is still pending, as text. In its grace period, a deletion without rules waits for nothing."""
    syncs = DomainSync.objects.filter(generation__gt=F("observed_generation"))
    at_rest = Q(restorable_until__gt=Now(), rules=Step.DONE)
    return [
        *(f"{sync}: {sync.last_error}" for sync in syncs),
        *(f"{call.entry}: {call}" for call in InFlightCall.objects.select_related("entry")),
        *(f"deletion of {deletion}" for deletion in DomainDeletion.objects.pending().exclude(at_rest)),
    ]


def wait_until_idle(*, within: float) -> None:
    try:
        wait_for(lambda: not pending(), within=within, what="nothing is pending")
    except AssertionError as error:
        raise AssertionError(f"{error} Pending: {pending()}") from None
    assert not pending_domains().exists()


def assert_no_rule_receives_everything(stack: Stack) -> None:
    """No rule was sent without recipients: it would receive the mail of every domain in the account."""
    for call in stack.aws.calls("CreateReceiptRule", "UpdateReceiptRule"):
        assert call["parameters"]["Rule"].get("Recipients"), call


def counted(journal: list[dict[str, Any]]) -> Counter[str]:
    return Counter(call["action"] for call in journal)


def expire_lease() -> None:
    """End the thirty seconds of a lease whose holder is dead or stopped.

    The same as waiting: the lease expires when `expires_at` is past by the database's clock, and the holder, which can do
    nothing meanwhile, would find the same row thirty seconds later.
    """
    Lease.objects.exclude(holder="").update(expires_at=database_now())


def expire_claims() -> None:
    """End the minute for which a process that is dead has claimed the mail of a deleted domain. The same as waiting."""
    DomainDeletion.objects.pending().update(retry_at=None)


def expire_in_flight_calls() -> None:
    """Make it too late for SES to apply the unanswered calls.

    The same as waiting for `until`, if none of them is still under way. The caller makes sure of that.
    """
    InFlightCall.objects.update(until=database_now())


def wait_until_up_to_date(stack: Stack, *, within: float) -> None:
    """Wait until SES matches the database.

    After SES has lost everything, nothing is pending until the worker's sweep has found that.
    """

    def up_to_date() -> bool:
        identities = set(_live().values_list("name", flat=True))
        return stack.aws.rules() == desired_rules() and stack.aws.identities() == identities

    wait_for(up_to_date, within=within, what="SES matches the database")
    # SES applies the last call before its answer is recorded.
    wait_until_idle(within=20)
