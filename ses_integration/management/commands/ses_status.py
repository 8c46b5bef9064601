from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count

from backoffice.tables import table
from backoffice.text import moment, plural
from ses_integration.arrivals.queue import MailQueue
from ses_integration.cli.base import CommandWithExitCodes
from ses_integration.conf import SesConfig, mail_source, ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.quotas import QuotaUsage
from ses_integration.drift.detect import CHECK_REGION
from ses_integration.drift.previous_scopes import contents, find_previous_scopes
from ses_integration.errors import SesError
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import snapshot
from ses_integration.status.capacity import capacity
from ses_integration.status.sync_state import SyncState, pending_domains, states_of
from ses_integration.status.topic import topic_progress


class Command(CommandWithExitCodes):
    help = (
        "Show how much of SES's quotas is used, and which domains are not up to date: their state, how far SES is behind, when "
        "it is tried again, and why; and how mail is read. Reads the database, and asks AWS only for the length of the queue. Exit "
        "code 0 when everything is up to date, 2 when something is pending, or when another region or rule set may still hold "
        "something of ours."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="also show the domains that are up to date, and those that are gone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        self.stdout.write("\n".join(_summary(config)))
        for line in _mail(config):
            self.stdout.write(line)
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
    unconfirmed = entries.filter(presence=Presence.UNKNOWN).count()
    sizes = entries.filter(kind=ResourceKind.RULE).annotate(size=Count("recipients")).order_by("-size")
    fullest = sizes.values_list("size", flat=True).first() or 0
    return [
        f"{config.region or 'no region'}, rule set {config.rule_set}: {contents(rules, identities)} confirmed"
        f"{f', {unconfirmed} unconfirmed' if unconfirmed else ''}.",
        f"Used: {_used(used.rules, 'rules')}, {_used(used.identities, 'identities')}, "
        f"{fullest} of {used.recipients_per_rule} recipients in the fullest rule.",
    ]


def _mail(config: SesConfig) -> list[str]:
    """How mail is read, and which rules tell of theirs. With a queue, two calls to AWS."""
    lines, source = [], mail_source()
    if (topic := topic_progress(config)) and topic.rules:
        if topic.done == topic.rules:
            lines.append(
                f"The topic is confirmed in {'the only rule' if topic.rules == 1 else f'all {topic.rules} rules'}."
            )
        else:
            lines.append(f"The topic is confirmed in {topic.done} of {plural(topic.rules, 'rule')}; {_pace(config)}.")
    if source == "sqs":
        lines.append(
            f"Mail is read from queue {config.queue_url.rpartition('/')[2] or '(SES_QUEUE_URL is missing)'}: {_depth()}"
        )
    elif source == "sns":
        lines.append("Mail is read when SNS posts a notification, and by the sweep.")
    elif source == "sweep":
        lines.append("Mail is read by the sweep alone.")
    return lines


def _pace(config: SesConfig) -> str:
    if config.calls_per_second <= 0:
        return "the worker updates the rest"
    return f"the worker updates the rest, at {config.calls_per_second:g} a second"


def _depth() -> str:
    try:
        depth = MailQueue().depth()
    except SesError as error:
        return f"its length is not known. {error.sentence}"
    dead = f"{plural(depth.dead_letters, 'dead letter')}{'; see the runbook' if depth.dead_letters else ''}"
    return f"{plural(depth.waiting, 'notification')} waiting, {depth.in_flight} being read, {dead}."


def _used(used: QuotaUsage, what: str) -> str:
    return f"{used.total} of {used.quota} {what}" + (f" ({used.foreign} not ours)" if used.foreign else "")


def _gone(config: SesConfig, domains: Iterable[str]) -> set[str]:
    """Domains without a row for which SES is known to hold nothing that is ours to remove."""
    held = LedgerEntry.objects.of(config).exclude(presence=Presence.ABSENT).exclude(identity__ours=False)
    left = set(domains).difference(held.values_list("domain", flat=True))
    return {domain for domain, desired in snapshot.desired_of(config, left).items() if not desired.identity}
