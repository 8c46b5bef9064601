"""Route received emails: write each decision, and the delivery that it asks for, in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from endpoints.models import Endpoint
from mail.models import Delivery, Message, ReceivedEmail
from mail.models.delivery import SQLITE_TIME, lifetime
from mail.routing.facts import facts_of, policy
from mail.routing.route import Disposition, Reason, Route, by_recipient, route
from rest.ids import new_id

# Of blocked mail only subject, sender and date are kept, which tell the owner what was blocked.
BLANK: dict[str, Any] = {
    "text": "",
    "html": "",
    "preview": "",
    "headers": {},
    "addresses": {},
    "references": [],
    "attachments": [],
    "attachment_count": 0,
}

# The database's time, the same plus a parameter, and the lock of what a delivery refers to.
_ON_POSTGRESQL = ("STATEMENT_TIMESTAMP()", "STATEMENT_TIMESTAMP() + %s", " FOR KEY SHARE OF e, r")
_ON_SQLITE = (SQLITE_TIME.format(""), SQLITE_TIME.format(", %s"), "")


def route_messages(messages: Collection[int]) -> bool:
    """Route the recipients of messages that have just been read, unless they are routed. Returns whether anything is to deliver.

    Needs a transaction. Twice is the same as once.
    """
    chosen = policy()
    waiting = facts_of("message_id", messages, Disposition.RECEIVED)
    routes = {pk: route(facts, chosen) for pk, facts in waiting.items()}
    _write(routes)
    if any(one.disposition == Disposition.BLOCKED for one in routes.values()):
        _blank(messages)
    return any(one.endpoint for one in routes.values())


def route_late(messages: Collection[int]) -> None:
    """Route recipients that have become known after their mail was read. Needs a transaction, and the messages' lock.

    If its text was not kept, because it was blocked for everybody else, the mail is read again first.
    """
    emails = ReceivedEmail.objects.filter(message=OuterRef("pk"))
    new, blocked = Q(disposition=Disposition.RECEIVED), Q(disposition=Disposition.BLOCKED)
    of_blocked = Message.objects.filter(Exists(emails.filter(new)), Exists(emails.filter(blocked)), pk__in=messages)
    without_text = of_blocked.exclude(Exists(emails.exclude(new | blocked)))
    again = list(without_text.values_list("pk", flat=True))
    if again:
        Message.objects.filter(pk__in=again).update(state=Message.State.ARRIVED, retry_at=Now(), ingested_at=None)
    route_messages(set(messages) - set(again))


def route_released(received: ReceivedEmail) -> Route:
    """Route a quarantined email whatever SES thinks of it, and return the decision. Needs a transaction."""
    facts = facts_of("id", [received.pk], Disposition.QUARANTINED)
    routes = {pk: by_recipient(one) for pk, one in facts.items()}
    _write(routes)
    return routes.get(received.pk, Route(Disposition.STORED, Reason.NO_ROUTE))


def _write(routes: dict[str, Route]) -> None:
    by_endpoint: dict[str, list[str]] = defaultdict(list)
    for pk, one in routes.items():
        if one.endpoint:
            by_endpoint[one.endpoint].append(pk)
    for endpoint, pks in by_endpoint.items():
        if not create_deliveries(endpoint, pks):
            # It has been deleted meanwhile, and its addresses have no route any more.
            gone = Route(Disposition.STORED, Reason.ADDRESS_WITHOUT_ENDPOINT)
            routes |= {pk: Route(gone.disposition, gone.reason, routes[pk].matched) for pk in pks}
    same: dict[Route, list[str]] = defaultdict(list)
    for pk, one in routes.items():
        same[one].append(pk)
    for one, pks in same.items():
        ReceivedEmail.objects.filter(pk__in=pks).update(disposition=one.disposition, route=one.as_json())


def create_deliveries(endpoint: str, received: Iterable[str]) -> bool:
    """Insert a delivery of each received email to the endpoint, unless there is one. False if the endpoint is gone.

    Locks the endpoint and the emails against their deletion, which would otherwise fail for the new rows.
    """
    rows = [(new_id(), pk) for pk in received]
    values = " UNION ALL ".join(["SELECT %s AS id, %s AS received"] * len(rows))
    is_postgresql = connection.vendor == "postgresql"
    now, later, lock = _ON_POSTGRESQL if is_postgresql else _ON_SQLITE
    sql = (
        f"INSERT INTO {Delivery._meta.db_table} (id, received_id, endpoint_id, state, attempts, attempts_before,"  # noqa: S608
        " retry_at, expires_at, response, problem, endpoint_name, payload, body_digest, created_at)"
        f" SELECT v.id, v.received, e.id, %s, 0, 0, {now}, {later}, '{{}}', '', e.name,"
        # Endpoints of other types, and of older versions, may have anything there.
        f" CASE WHEN e.config->>'payload' IN ('noRaw', 'thin') THEN e.config->>'payload' ELSE 'full' END, '',"
        f" {now} FROM {Endpoint._meta.db_table} e CROSS JOIN ({values}) v"
        f" JOIN {ReceivedEmail._meta.db_table} r ON r.id = v.received WHERE e.id = %s{lock}"
        " ON CONFLICT (received_id, endpoint_id) DO NOTHING RETURNING 1"
    )
    after: object = lifetime() if is_postgresql else f"+{lifetime().total_seconds():.0f} seconds"
    parameters: list[Any] = [Delivery.State.DUE, after, *[value for row in rows for value in row], endpoint]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        if cursor.fetchall():
            return True
    return Endpoint.objects.filter(pk=endpoint).exists()


def _blank(messages: Collection[int]) -> None:
    """Leave nothing of the text of mail that is blocked for all of its recipients."""
    kept = ReceivedEmail.objects.filter(message=OuterRef("pk")).exclude(disposition=Disposition.BLOCKED)
    Message.objects.filter(~Exists(kept), pk__in=messages).update(**BLANK)
