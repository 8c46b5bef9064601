from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from backoffice.shell.asking import NOTHING_DONE, agreed
from backoffice.text import plural, shortened, visible
from endpoints.models import Endpoint
from mail.delivery import replay
from mail.management.ids import CommandWithIds, endpoint_of
from mail.models import Delivery, EndpointGate, ReceivedEmail
from mail.routing.wording import why
from mail.status import delivery as words
from mail.status.story import find
from workers.models import WorkerKind
from workers.wording import left_to

State = Delivery.State
LINES_SHOWN = 20
# Dead deliveries of an endpoint, in one transaction.
AT_ONCE = 1000
# In one run. Whoever has more runs it again.
MOST_POSTPONED = 10_000
DOWN = "Of an endpoint that is down, mail_worker tries one, and makes the others when it has succeeded."
SWITCH_ON = "Switch it on first, in the admin or with PUT /endpoints/{}."
GOES_OUT = "Then mail_worker makes its waiting deliveries."


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done, as a line. `act` does it and returns for how many; it raises `replay.CannotDeliver`.

    `is_down`: whether the endpoint is, so that not all of it is done at once.
    """

    line: str
    act: Callable[[], int]
    is_down: bool = False


class Command(CommandWithIds):
    help = (
        "Make deliveries now: single ones, those of an endpoint, or those of a mail. Shows what it is going to do, and asks. "
        "mail_worker makes them. Exit code 0 when all was asked for or there is nothing to do, 2 when something was refused, 1 on "
        "an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deliveries", metavar="DELIVERY", nargs="*", help="ids of deliveries, with or without msg_")
        parser.add_argument(
            "--endpoint",
            metavar="ENDPOINT",
            help="all deliveries of this endpoint that wait or were given up: its id, or its exact name",
        )
        parser.add_argument("--dead", action="store_true", help="with --endpoint: only those that were given up")
        parser.add_argument(
            "--since",
            metavar="TIME",
            type=_time,
            help="with --endpoint: given up since then, such as 2026-11-26T10:00 (UTC)",
        )
        parser.add_argument("--mail", metavar="ID", help="a mail, by any id that mail_show takes")
        parser.add_argument(
            "--to", metavar="ENDPOINT", help="with --mail: deliver it to this endpoint, whatever its route is"
        )
        parser.add_argument("--release", action="store_true", help="with --mail: take it out of quarantine")
        parser.add_argument(
            "--again", action="store_true", help="with ids or --mail: also what has been delivered or withdrawn"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--json", action="store_true", help="print JSON: `queued` and `refused`; plan and question go to stderr"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tell = self.stdout.write if not options["json"] else partial(self.stderr.write, style_func=str)
        steps, nothing = _plan(options)
        chosen: list[Step] = []
        if not steps:
            tell(f"Nothing to do. {nothing}".rstrip())
        else:
            tell("\n".join(shortened([step.line for step in steps], LINES_SHOWN)))
            if options["yes"] or agreed(self):
                chosen = steps
            else:
                tell(NOTHING_DONE)
        done, refused = 0, []
        for step in chosen:
            try:
                done += step.act()
            except replay.CannotDeliver as error:
                refused.append((step.line, str(error)))
        if done:
            them = "it" if done == 1 else "them"
            goes_on = DOWN if any(step.is_down for step in steps) else f"mail_worker makes {them} now."
            said = left_to(WorkerKind.MAIL, goes_on)
            tell(f"Asked for {plural(done, 'delivery')}. {said} mail_show says what became of one.")
        if refused:
            lines = [f"{line}: {why}" for line, why in refused]
            tell("\n".join(["Refused:", *shortened(lines, LINES_SHOWN)]))
        if options["json"]:
            listed = [{"what": line, "error": error} for line, error in refused]
            self.stdout.write(json.dumps({"queued": done, "refused": listed}, indent=2))
        if refused:
            raise SystemExit(2)


def _plan(options: dict[str, Any]) -> tuple[list[Step], str]:
    """What is to be done, and why nothing if it is nothing. Raises CommandError."""
    given = [name for name in ("deliveries", "endpoint", "mail") if options[name]]
    if len(given) != 1:
        raise CommandError("Give ids of deliveries, or --endpoint ENDPOINT, or --mail ID.")
    for name, needed in (("dead", "endpoint"), ("since", "endpoint"), ("to", "mail"), ("release", "mail")):
        if options[name] and given != [needed]:
            raise CommandError(f"--{name} goes with --{needed}.")
    if options["again"] and options["endpoint"]:
        raise CommandError("--again goes with ids of deliveries or --mail.")
    if options["endpoint"]:
        return _of_endpoint(endpoint_of(options["endpoint"]), only_dead=options["dead"], since=options["since"])
    if options["mail"]:
        return _of_mail(options)
    return _of_ids(options["deliveries"], again=options["again"])


def _of_ids(ids: Iterable[str], *, again: bool) -> tuple[list[Step], str]:
    wanted = list(dict.fromkeys(one.removeprefix("msg_") for one in ids))
    rows = {row.pk: row for row in _rows(Q(pk__in=wanted))}
    if unknown := [pk for pk in wanted if pk not in rows]:
        raise CommandError(f"No such delivery: {', '.join(unknown)}. mail_show ID lists those of a mail.")
    return _retried([rows[pk] for pk in wanted], again=again)


def _of_endpoint(endpoint: Endpoint, *, only_dead: bool, since: datetime | None) -> tuple[list[Step], str]:
    if not endpoint.is_active:
        raise CommandError(
            f"{_named(endpoint)} is inactive. {endpoint.inactive_reason} {SWITCH_ON.format(endpoint.pk)} "
            f"{left_to(WorkerKind.MAIL, GOES_OUT)}"
        )
    is_down = endpoint.health == "down"
    dead = Delivery.objects.live().filter(endpoint=endpoint, state=State.DEAD)
    number = (dead.filter(finished_at__gte=since) if since else dead).count()
    steps = (
        [
            Step(
                f"{plural(number, 'delivery')} given up of {_named(endpoint)}",
                partial(_redeliver, endpoint, since),
                is_down,
            )
        ]
        if number
        else []
    )
    if not only_dead and since is None:
        now = timezone.now()
        due = Q(endpoint=endpoint, state=State.DUE)
        gate = EndpointGate.objects.filter(pk=endpoint, not_before__gt=now)
        if (behind := _rows(due & Q(retry_at__lte=now)).count()) and gate.exists():
            line = f"One of {plural(behind, 'delivery')} of {_named(endpoint)}, which is down. If it succeeds, the others follow"
            steps.append(Step(line, partial(_one, replay.let_one_through, endpoint), is_down))
        steps += _retried(_rows(due & Q(retry_at__gt=now))[:MOST_POSTPONED], again=False)[0]
    return (
        steps,
        f"{_named(endpoint)} has no deliveries that were given up{'' if only_dead or since else ' or postponed'}.",
    )


def _of_mail(options: dict[str, Any]) -> tuple[list[Step], str]:
    emails = list(_emails(options["mail"]))
    if not emails:
        raise CommandError("No mail has this id.")
    if options["to"]:
        endpoint = endpoint_of(options["to"])
        return [
            Step(f"Mail {_for(email)} to {_named(endpoint)}", partial(_one, replay.deliver_to, email, endpoint))
            for email in emails
        ], ""
    if options["release"]:
        held = [email for email in emails if email.disposition == ReceivedEmail.Disposition.QUARANTINED]
        steps = [Step(f"Mail {_for(email)} out of quarantine", partial(_one, replay.release, email)) for email in held]
        return steps, "It is not quarantined."
    steps, nothing = _retried(_rows(Q(received__in=emails)), again=options["again"])
    quarantined = any(email.disposition == ReceivedEmail.Disposition.QUARANTINED for email in emails)
    reasons = [f"Mail {_for(email)}: {email.get_disposition_display()}. {why(email)}" for email in emails]
    release = "--release takes it out of quarantine." if quarantined else "--to ENDPOINT delivers it anywhere."
    return steps, " ".join([nothing, *reasons, release])


def _retried(rows: Iterable[Delivery], *, again: bool) -> tuple[list[Step], str]:
    """Those that are dead or wait for a later time. What is being made, or is due now, needs nobody."""
    now = timezone.now()
    steps = []
    for row in rows:
        settled = row.state in (State.DELIVERED, State.WITHDRAWN)
        if again if settled else row.state == State.DEAD or words.waits_for_later(row, now):
            line = f"{row.pk} to {_named(row.endpoint)} {_for(row.received)}: {words.state(row, now)}"
            steps.append(Step(line, partial(_one, replay.retry, row, again=again), row.endpoint.health == "down"))
    return steps, "" if again else "What has been delivered or withdrawn is delivered again with --again only."


def _rows(which: Q) -> QuerySet[Delivery]:
    rows = Delivery.objects.live().filter(which).select_related("endpoint__gate", "received")
    return rows.order_by("created_at", "pk")


def _emails(identifier: str) -> QuerySet[ReceivedEmail]:
    emails = ReceivedEmail.objects.live().select_related("message", "domain").order_by("recipient")
    one = emails.filter(pk=identifier)
    return one if one.exists() else emails.filter(message__in=[message.pk for message in find(identifier)])


def _redeliver(endpoint: Endpoint, since: datetime | None) -> int:
    total = 0
    while number := replay.redeliver(endpoint, since, AT_ONCE):
        total += number
    return total


def _one(act: Callable[..., object], *args: Any, **options: Any) -> int:
    act(*args, **options)
    return 1


def _named(endpoint: Endpoint) -> str:
    return f"{visible(endpoint.name)} ({endpoint.type})"


def _for(email: ReceivedEmail) -> str:
    return f"for {visible(email.recipient) or 'unknown'}"


def _time(text: str) -> datetime:
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise ArgumentTypeError(f"{text!r} is not a time such as 2026-11-26T10:00.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
