from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Collection, Container, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from ses_integration import capacity, facts, reading
from ses_integration.clock import database_now
from ses_integration.commands import CommandWithExitCodes
from ses_integration.config import SesConfig, ses_config
from ses_integration.differences import RIGHT_PLACE
from ses_integration.former import contents, former_ledgers
from ses_integration.models import DomainMark, LedgerEntry, UnansweredCall
from ses_integration.planning import Kind, Known
from ses_integration.tables import table

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
        limit = capacity.layout(config).max_recipients
        used = {kind: capacity.used(config, kind) for kind in Kind}
        rules, identities = (entries.filter(kind=kind, known="present").count() for kind in (Kind.RULE, Kind.IDENTITY))
        self.stdout.write(
            f"{config.region or 'no region'}, rule set {config.rule_set}: {contents(rules, identities)} confirmed."
        )
        self.stdout.write(
            f"Used: {_used(used[Kind.RULE], 'rules')}, {_used(used[Kind.IDENTITY], 'identities')}, "
            f"{_fullest(entries)} of {limit} recipients in the fullest rule."
        )
        owed = facts.owed_marks()
        shown = DomainMark.objects.of(config).order_by("domain") if options["all"] else owed
        doubts: dict[str, list[datetime]] = {}
        for domain, until in UnansweredCall.objects.of(config).values_list("entry__domain", "until"):
            doubts.setdefault(domain, []).append(until)
        gone = _gone(config, [mark.domain for mark in shown if not mark.owed]) if options["all"] else set()
        now = database_now()
        rows = [
            [mark.domain, _state(mark, doubts, gone), *_next_try(mark, doubts.get(mark.domain, []), now)]
            for mark in shown
        ]
        if rows:
            self.stdout.write(table(["DOMAIN", "STATE", "NEXT TRY", "WHY"], rows))
        count = owed.count()
        if elsewhere := sum(ledger.size for ledger in former_ledgers(config)):
            self.stdout.write(f"{elsewhere} more in another region or rule set: {RIGHT_PLACE}")
        if count:
            self.stdout.write(f"{count} owed. The worker goes on by itself; ses_sync tries now.")
        else:
            self.stdout.write("Nothing is owed here." if elsewhere else "SES is owed nothing.")
        if count or elsewhere:
            raise SystemExit(2)


def _used(used: capacity.Used, what: str) -> str:
    return f"{used.total} of {used.quota} {what}" + (f" ({used.foreign} not ours)" if used.foreign else "")


def _fullest(entries: QuerySet[LedgerEntry]) -> int:
    sizes = entries.filter(kind=Kind.RULE).annotate(size=Count("recipients")).order_by("-size")
    return sizes.values_list("size", flat=True).first() or 0


def _gone(config: SesConfig, domains: Iterable[str]) -> set[str]:
    """Those without a row, of which SES is known to hold nothing that would be ours to remove."""
    held = LedgerEntry.objects.of(config).exclude(known=Known.ABSENT).exclude(identity__ours=False)
    left = set(domains).difference(held.values_list("domain", flat=True))
    return {domain for domain, wanted in reading.wanted_of(config, left).items() if not wanted.identity}


def _state(mark: DomainMark, doubts: Mapping[str, Collection[datetime]], gone: Container[str]) -> str:
    waiting = mark.generation - mark.applied_generation
    parts = [f"{waiting} change{'s' if waiting > 1 else ''} behind"] if waiting else []
    if unanswered := doubts.get(mark.domain):
        parts.append(f"{len(unanswered)} unanswered")
    if mark.needs_attention:
        parts.append("needs attention")
    return ", ".join(parts) or ("gone" if mark.domain in gone else "in line")


def _next_try(mark: DomainMark, doubts: Collection[datetime], now: datetime) -> tuple[str, str]:
    """When, and why it is not done yet; a call without an answer is repeated once it cannot be applied any more."""
    if mark.owed:
        return _moment(mark.next_attempt, now), mark.last_error
    if doubts:
        return _moment(max(doubts), now), mark.last_error or UNANSWERED
    return "", mark.last_error


def _moment(at: datetime | None, now: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at and at > now else "now"
