from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count

from backoffice.tables import table
from backoffice.text import moment
from ses_integration.cli.base import CommandWithExitCodes
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.quotas import QuotaUsage
from ses_integration.drift.detect import CHECK_REGION
from ses_integration.drift.previous_scopes import contents, find_previous_scopes
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import snapshot
from ses_integration.status.capacity import capacity
from ses_integration.status.sync_state import SyncState, pending_domains, states_of


class Command(CommandWithExitCodes):
    help = (
        "Show how much of SES's quotas is used, and which domains are not up to date: their state, how far SES is behind, when "
        "it is tried again, and why. Reads the database only. Exit code 0 when everything is up to date, 2 when something is "
        "pending, or when another region or rule set may still hold something of ours."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="also show the domains that are up to date, and those that are gone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        self.stdout.write("\n".join(_summary(config)))
        shown = states_of(DomainSync.objects.of(config).order_by("domain") if options["all"] else pending_domains())
        pending = sum(state.pending for state in shown)
        gone = _gone(config, [state.domain for state in shown if not state.pending]) if options["all"] else set()
        now = database_now()
        if rows := [_row(state, now, gone=state.domain in gone) for state in shown]:
            self.stdout.write(table(["DOMAIN", "STATE", "NEXT TRY", "WHY"], rows))
        if elsewhere := sum(scope.size for scope in find_previous_scopes(config)):
            self.stdout.write(f"{elsewhere} more in another region or rule set: {CHECK_REGION}")
        if pending:
            self.stdout.write(f"{pending} pending. The worker retries by itself; ses_sync retries now.")
        else:
            self.stdout.write("Nothing is pending here." if elsewhere else "Everything is up to date.")
        if pending or elsewhere:
            raise SystemExit(2)


def _row(state: SyncState, now: datetime, *, gone: bool) -> list[str]:
    if not state.pending:
        return [state.domain, "gone" if gone else state.status.label, "", ""]
    # Changes are sent before an unanswered call is repeated.
    at = state.retry_at if state.behind else state.unknown_until
    next_try = moment(at) if at and at > now else "now"
    return [state.domain, f"{state.status.label} ({state.lag})", next_try, state.details or state.reason]


def _summary(config: SesConfig) -> list[str]:
    entries, used = LedgerEntry.objects.of(config), capacity()
    rules, identities = (entries.filter(kind=kind, presence=Presence.PRESENT).count() for kind in ResourceKind)
    sizes = entries.filter(kind=ResourceKind.RULE).annotate(size=Count("recipients")).order_by("-size")
    fullest = sizes.values_list("size", flat=True).first() or 0
    return [
        f"{config.region or 'no region'}, rule set {config.rule_set}: {contents(rules, identities)} confirmed.",
        f"Used: {_used(used.rules, 'rules')}, {_used(used.identities, 'identities')}, "
        f"{fullest} of {used.recipients_per_rule} recipients in the fullest rule.",
    ]


def _used(used: QuotaUsage, what: str) -> str:
    return f"{used.total} of {used.quota} {what}" + (f" ({used.foreign} not ours)" if used.foreign else "")


def _gone(config: SesConfig, domains: Iterable[str]) -> set[str]:
    """Domains without a row for which SES is known to hold nothing that is ours to remove."""
    held = LedgerEntry.objects.of(config).exclude(presence=Presence.ABSENT).exclude(identity__ours=False)
    left = set(domains).difference(held.values_list("domain", flat=True))
    return {domain for domain, desired in snapshot.desired_of(config, left).items() if not desired.identity}
