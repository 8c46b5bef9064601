from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Collection, Container, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from ses_integration.cli.base import CommandWithExitCodes
from ses_integration.cli.tables import table
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import quotas
from ses_integration.coordination.clock import database_now
from ses_integration.drift.detect import RIGHT_PLACE
from ses_integration.drift.previous_scopes import contents, find_previous_scopes
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import snapshot
from ses_integration.status import sync_state

UNANSWERED = "A call to AWS got no answer. It may be applied until then, and is repeated after that."


class Command(CommandWithExitCodes):
    help = (
        "Show how much of SES's quotas is used, and what SES is owed: "
        "domains whose changes it has not confirmed, why, and when they are tried again. "
        "Reads the database only. Exit code 0 when nothing is owed, 2 when something is, or when another region or rule set "
        "may still hold something of ours."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="show the domains that are in line, and those that are gone, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        entries = LedgerEntry.objects.of(config)
        limit = quotas.layout(config).max_recipients
        used = {kind: quotas.used(config, kind) for kind in ResourceKind}
        rules, identities = (
            entries.filter(kind=kind, presence="present").count() for kind in (ResourceKind.RULE, ResourceKind.IDENTITY)
        )
        self.stdout.write(
            f"{config.region or 'no region'}, rule set {config.rule_set}: {contents(rules, identities)} confirmed."
        )
        self.stdout.write(
            f"Used: {_used(used[ResourceKind.RULE], 'rules')}, {_used(used[ResourceKind.IDENTITY], 'identities')}, "
            f"{_fullest(entries)} of {limit} recipients in the fullest rule."
        )
        pending = sync_state.pending_domains()
        shown = DomainSync.objects.of(config).order_by("domain") if options["all"] else pending
        unknown_outcomes: dict[str, list[datetime]] = {}
        for domain, until in InFlightCall.objects.of(config).values_list("entry__domain", "until"):
            unknown_outcomes.setdefault(domain, []).append(until)
        gone = _gone(config, [sync.domain for sync in shown if not sync.pending]) if options["all"] else set()
        now = database_now()
        rows = [
            [
                sync.domain,
                _state(sync, unknown_outcomes, gone),
                *_next_try(sync, unknown_outcomes.get(sync.domain, []), now),
            ]
            for sync in shown
        ]
        if rows:
            self.stdout.write(table(["DOMAIN", "STATE", "NEXT TRY", "WHY"], rows))
        count = pending.count()
        if elsewhere := sum(ledger.size for ledger in find_previous_scopes(config)):
            self.stdout.write(f"{elsewhere} more in another region or rule set: {RIGHT_PLACE}")
        if count:
            self.stdout.write(f"{count} owed. The worker goes on by itself; ses_sync tries now.")
        else:
            self.stdout.write("Nothing is owed here." if elsewhere else "SES is owed nothing.")
        if count or elsewhere:
            raise SystemExit(2)


def _used(used: quotas.Used, what: str) -> str:
    return f"{used.total} of {used.quota} {what}" + (f" ({used.foreign} not ours)" if used.foreign else "")


def _fullest(entries: QuerySet[LedgerEntry]) -> int:
    sizes = entries.filter(kind=ResourceKind.RULE).annotate(size=Count("recipients")).order_by("-size")
    return sizes.values_list("size", flat=True).first() or 0


def _gone(config: SesConfig, domains: Iterable[str]) -> set[str]:
    """Those without a row, of which SES is known to hold nothing that would be ours to remove."""
    held = LedgerEntry.objects.of(config).exclude(presence=Presence.ABSENT).exclude(identity__ours=False)
    left = set(domains).difference(held.values_list("domain", flat=True))
    return {domain for domain, desired in snapshot.desired_of(config, left).items() if not desired.identity}


def _state(sync: DomainSync, unknown_outcomes: Mapping[str, Collection[datetime]], gone: Container[str]) -> str:
    waiting = sync.generation - sync.observed_generation
    parts = [f"{waiting} change{'s' if waiting > 1 else ''} behind"] if waiting else []
    if in_flight := unknown_outcomes.get(sync.domain):
        parts.append(f"{len(in_flight)} unanswered")
    if sync.stalled:
        parts.append("needs attention")
    return ", ".join(parts) or ("gone" if sync.domain in gone else "in line")


def _next_try(sync: DomainSync, unknown_outcomes: Collection[datetime], now: datetime) -> tuple[str, str]:
    """When, and why it is not done yet; a call without an answer is repeated once it cannot be applied any more."""
    if sync.pending:
        return _moment(sync.retry_at, now), sync.last_error
    if unknown_outcomes:
        return _moment(max(unknown_outcomes), now), sync.last_error or UNANSWERED
    return "", sync.last_error


def _moment(at: datetime | None, now: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at and at > now else "now"
