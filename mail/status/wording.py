"""The numbers of `figures` in sentences, and as plain values for JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from backoffice.text import duration, moment, plural, visible
from mail.status.endpoints import TroubledEndpoint
from mail.status.figures import BOUNCE_DAYS, MailStatus, Pile, Queue, Waiting
from ses_integration.api import mail_source
from workers.models import WorkerKind
from workers.wording import left_to

IS_IT_RUNNING = "Is mail_worker running?"
GOES_ON = "mail_worker goes on by itself."
NO_SOURCE = "MAIL_SOURCE is none, so no worker reads it."
HEAD = ["ENDPOINT", "NAME", "STATE", "SINCE", "WAITING", "DEAD", "NEXT TRY", "WHY"]


def sentences(status: MailStatus) -> list[str]:
    """One line for each kind of which there is any, with what to do about it. Endpoints are not in it: see `row`."""
    now = status.at
    return [
        *_one(status.to_read.number, f"{mails_to_read(status.to_read)}{_oldest(status.to_read, now)}", status.to_read, now),
        *_due(status, now),
        *_held_deliveries(status.held),
        *_dead(status.dead, now),
        *_held(status.quarantined, "quarantined", _release(status), now),
        *_held(status.blocked, "blocked", "Erased after BLOCKED_MAIL_DAYS.", now),
        *_one(status.to_erase.number, mails_to_erase(status.to_erase), status.to_erase, now),
        *_bounced(status.bounces, now),
        *(f"The sweep of {domain} has a problem: {problem}" for domain, problem in status.sweeps.items()),
        *(f"{part[0].upper()}{part[1:]}." for part in notifications(status.queue)),
    ]  # fmt: skip


def conclusion(status: MailStatus) -> str:
    """The last line."""
    attention = "Something needs you; docs/runbook.md says what to do." if status.needs_attention else ""
    pending = ""
    if status.to_read.number and mail_source() == "none":
        pending = f"Mail waits to be read. {NO_SOURCE}"
    elif status.is_pending:
        pending = f"Something waits. {left_to(WorkerKind.MAIL, GOES_ON)} mail_retry tries deliveries now."
    return " ".join(filter(None, [attention, pending])) or "Nothing waits, and nothing needs you."


def mails_to_read(waiting: Waiting) -> str:
    return f"{plural(waiting.number, 'mail')} to read{_why(waiting)}"


def deliveries_due(waiting: Waiting) -> str:
    return f"{plural(waiting.number, 'delivery')} due{_why(waiting)}"


def mails_to_erase(waiting: Waiting) -> str:
    return f"{plural(waiting.number, 'mail')} to erase{_why(waiting)}"


def notifications(queue: Queue | None) -> list[str]:
    """What is in the queue, as parts of a sentence."""
    if queue is None:
        return []
    if queue.problem:
        return [f"the queue ({queue.problem.rstrip('.')})"]
    waiting, dead = queue.waiting + queue.in_flight, queue.dead_letters
    return [
        *([f"{plural(waiting, 'notification')} in the queue"] if waiting else []),
        *([f"{plural(dead, 'notification')} in the dead-letter queue"] if dead else []),
    ]


def row(endpoint: TroubledEndpoint, now: datetime) -> list[str]:
    """A line of a table with the columns of `HEAD`."""
    since = f"{duration(now - endpoint.since)} ago" if endpoint.since else ""
    failures = f" ({plural(endpoint.failures, 'failure')} in a row)" if endpoint.failures else ""
    return [
        endpoint.id, visible(endpoint.name), f"{endpoint.trouble}{failures}", since, f"{endpoint.waiting:,}", f"{endpoint.dead:,}",
        when(endpoint.next_try, now), visible(endpoint.problem),
    ]  # fmt: skip


def when(at: datetime | None, now: datetime) -> str:
    """`now`, or the time if it is in the future. Empty without one."""
    return "" if at is None else moment(at) if at > now else "now"


def values(status: MailStatus) -> dict[str, Any]:
    """The same for JSON, with ages in seconds beside the times, and the names of the API's style."""
    plain = asdict(status) | {
        "held": status.held,
        "is_pending": status.is_pending,
        "needs_attention": status.needs_attention,
    }
    found: dict[str, Any] = _plain(plain, status.at)
    # Its keys are names of domains.
    return found | {"sweeps": status.sweeps}


def _due(status: MailStatus, now: datetime) -> list[str]:
    due = status.due
    if not due.number:
        return []
    next_try = (
        f", the next try {'is now' if due.next_try <= now else f'at {moment(due.next_try)}'}" if due.next_try else ""
    )
    flight = f", {status.in_flight:,} in flight" if status.in_flight else ""
    late = f" {IS_IT_RUNNING}" if due.is_late(now) and not status.in_flight else ""
    return [f"{deliveries_due(due)}{_oldest(due, now)}{flight}{next_try}.{late}"]


def _held_deliveries(number: int) -> list[str]:
    who = "it waits until its" if number == 1 else "they wait until their"
    return [f"{plural(number, 'delivery')} held: {who} endpoint is switched on."] if number else []


def _release(status: MailStatus) -> str:
    newest = status.quarantined_ids
    of = (
        f"The newest {plural(len(newest), 'id')}"
        if len(newest) < status.quarantined.number
        else plural(len(newest), "id")
    )
    return f"Release or erase each: mail_retry --mail ID --release, or the admin. {of}: {', '.join(newest)}."


def _dead(dead: Pile, now: datetime) -> list[str]:
    if not dead.number:
        return []
    age = f", the newest for {duration(now - dead.newest)}" if dead.newest else ""
    return [
        f"{plural(dead.number, 'delivery')} given up{age}. The table says whose. "
        "mail_retry --endpoint ID --dead retries them; the admin withdraws them."
    ]


def _held(pile: Pile, what: str, do: str, now: datetime) -> list[str]:
    age = f", the oldest for {duration(now - pile.since)}" if pile.since else ""
    return [f"{plural(pile.number, 'mail')} {what}{age}. {do}"] if pile.number else []


def _bounced(bounces: Pile, now: datetime) -> list[str]:
    if not bounces.number:
        return []
    newest = f", the newest {duration(now - bounces.newest)} ago" if bounces.newest else ""
    return [
        f"{plural(bounces.number, 'forward')} bounced in {BOUNCE_DAYS} days{newest}. The page of each delivery says why."
    ]


def _one(number: int, text: str, waiting: Waiting, now: datetime) -> list[str]:
    return [f"{text}.{f' {IS_IT_RUNNING}' if waiting.is_late(now) else ''}"] if number else []


def _oldest(waiting: Waiting, now: datetime) -> str:
    return f", the oldest for {duration(now - waiting.since)}" if waiting.since else ""


def _why(waiting: Waiting) -> str:
    return f" ({waiting.why.rstrip('.')})" if waiting.why else ""


def _plain(value: Any, now: datetime) -> Any:
    match value:
        case dict():
            found = {_camel(name): _plain(one, now) for name, one in value.items()}
            ages = {
                f"{_camel(name)}Seconds": _age(one, now) for name, one in value.items() if name in ("since", "newest")
            }
            return found | ages
        case list():
            return [_plain(one, now) for one in value]
        case datetime():
            return value.isoformat()
        case _:
            return value


def _age(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else max(0, int((now - at).total_seconds()))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
