"""What `ses_status` says of the ledger, of the topic and of the queue, in lines."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count

from backoffice.text import plural
from ses_integration.arrivals.queue import MailQueue
from ses_integration.conf import SesConfig, mail_source, ses_config
from ses_integration.coordination.quotas import QuotaUsage
from ses_integration.drift.previous_scopes import contents
from ses_integration.errors import SesError
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import snapshot
from ses_integration.status.capacity import capacity
from ses_integration.status.sync_state import states_of
from ses_integration.status.topic import topic_progress
from workers.alive import is_alive
from workers.models import WorkerKind


def summary() -> list[str]:
    """What SES is confirmed to hold, and how much of the quotas is used."""
    return _summary(ses_config())


def mail(*, asks_queue: bool = True) -> list[str]:
    """How mail is read, and which rules tell of theirs. If it `asks_queue` and there is one, two calls to AWS."""
    return _mail(ses_config(), asks_queue)


def up_to_date() -> list[tuple[str, str]]:
    """Every other domain, and whether it is up to date or gone."""
    config = ses_config()
    states = [state for state in states_of(DomainSync.objects.of(config).order_by("domain")) if not state.pending]
    gone = _gone(config, [state.domain for state in states])
    return [(state.domain, "gone" if state.domain in gone else state.status.label) for state in states]


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


def _mail(config: SesConfig, asks_queue: bool) -> list[str]:
    lines, source = [], mail_source()
    if (topic := topic_progress(config)) and topic.rules:
        if topic.done == topic.rules:
            lines.append(
                f"The topic is confirmed in {'the only rule' if topic.rules == 1 else f'all {topic.rules} rules'}."
            )
        else:
            lines.append(f"The topic is confirmed in {topic.done} of {plural(topic.rules, 'rule')}; {_pace(config)}.")
    if source == "sqs":
        name = config.queue_url.rpartition("/")[2] or "(SES_QUEUE_URL is missing)"
        lines.append(f"Mail is read from queue {name}{f': {_depth()}' if asks_queue else '.'}")
    elif source == "sns":
        lines.append("Mail is read when SNS posts a notification, and by the sweep.")
    elif source == "sweep":
        lines.append("Mail is read by the sweep alone.")
    return lines


def _pace(config: SesConfig) -> str:
    if not is_alive(WorkerKind.SES):
        return f"the rest waits for {WorkerKind.SES.value}"
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
