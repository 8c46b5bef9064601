from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Container, Iterable
from typing import Any

from django.db.models import Count, QuerySet

from ses_integration import capacity, facts, reading
from ses_integration.commands import CommandWithExitCodes
from ses_integration.config import SesConfig, ses_config
from ses_integration.differences import RIGHT_PLACE
from ses_integration.former import former_ledgers
from ses_integration.models import DomainMark, LedgerEntry, UnansweredCall
from ses_integration.planning import Kind, Known
from ses_integration.tables import table


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
            f"{config.region or 'no region'}, rule set {config.rule_set}: "
            f"{rules} rule{'' if rules == 1 else 's'} and {identities} identit{'y' if identities == 1 else 'ies'} confirmed."
        )
        self.stdout.write(
            f"Used: {_used(used[Kind.RULE], 'rules')}, {_used(used[Kind.IDENTITY], 'identities')}, "
            f"{_fullest(entries)} of {limit} recipients in the fullest rule."
        )
        owed = facts.owed_marks()
        shown = DomainMark.objects.of(config).order_by("domain") if options["all"] else owed
        doubts: dict[str, int] = {}
        for domain in UnansweredCall.objects.of(config).values_list("entry__domain", flat=True):
            doubts[domain] = doubts.get(domain, 0) + 1
        gone = _gone(config, [mark.domain for mark in shown if not mark.owed]) if options["all"] else set()
        rows = [[mark.domain, _state(mark, doubts, gone), _next(mark), mark.last_error] for mark in shown]
        if rows:
            self.stdout.write(table(["DOMAIN", "STATE", "NEXT TRY", "WHY"], rows))
        count = owed.count()
        if elsewhere := sum(ledger.size for ledger in former_ledgers(config)):
            self.stdout.write(f"{elsewhere} more in another region or rule set: {RIGHT_PLACE}")
        if count:
            self.stdout.write(f"{count} owed. The worker goes on by itself; ses_sync tries now.")
        else:
            self.stdout.write("Nothing is owed here." if elsewhere else "Nothing is owed.")
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


def _state(mark: DomainMark, doubts: dict[str, int], gone: Container[str]) -> str:
    waiting = mark.generation - mark.applied_generation
    parts = [f"{waiting} change{'s' if waiting > 1 else ''} behind"] if waiting else []
    if doubts.get(mark.domain):
        parts.append(f"{doubts[mark.domain]} unanswered")
    if mark.needs_attention:
        parts.append("needs attention")
    return ", ".join(parts) or ("gone" if mark.domain in gone else "in line")


def _next(mark: DomainMark) -> str:
    if not mark.owed:
        return ""
    return f"{mark.next_attempt:%Y-%m-%d %H:%M:%S} UTC" if mark.next_attempt else "now"
