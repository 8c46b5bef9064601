"""Read what decides about received emails: their addresses, their domains' catch-alls and blocks, in two statements."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from addresses.models import BlockedEmail, EmailAddress
from mail.models import Message, ReceivedEmail
from mail.routing.route import Facts, Policy, Target, without_label

COLUMNS = (
    "pk", "recipient", "domain__is_catch_all_enabled", "domain__catch_all_endpoint", "domain__receive_dmarc_emails", "history",
    "message__virus", "message__spam", "message__dmarc", "message__dmarc_policy",
)  # fmt: skip


def policy() -> Policy:
    return Policy(settings.MAIL_ON_VIRUS, settings.MAIL_ON_SPAM, settings.MAIL_ON_DMARC_REJECT)


def facts_of(received: QuerySet[ReceivedEmail]) -> dict[str, Facts]:
    """The facts of each of these, by id, without those of a domain that is being deleted. Locks them."""
    live = received.filter(domain__deleting_since=None).annotate(history=_is_history())
    # In the order of `mail/marks.py`, which may be changing them.
    locked = live.select_for_update(of=("self",), no_key=True).order_by("pk")
    rows = list(locked.values_list(*COLUMNS))
    wanted = {name for _, recipient, *_ in rows for name in (recipient, without_label(recipient)) if name}
    addresses, blocked = _known(wanted)
    return {pk: _facts(recipient, addresses, blocked, *more) for pk, recipient, *more in rows}


def _is_history() -> Case:
    oldest = Now() - timedelta(days=settings.MAIL_HISTORY_DAYS)
    old = Q(arrived_at__lt=oldest) | Q(arrived_at__lt=F("domain__mail_sweep__deliver_since"))
    is_history = Q(message__source=Message.Source.SWEEP) & old
    return Case(When(is_history, then=Value(True)), default=Value(False), output_field=BooleanField())


def _known(names: Iterable[str]) -> tuple[dict[str, Target], set[str]]:
    """The addresses that exist, and those that are blocked."""
    blocked = BlockedEmail.objects.filter(email_address__in=names).values_list(
        "email_address", Value(None, output_field=BooleanField()), Value(None, EmailAddress.endpoint.field)
    )
    addresses = EmailAddress.objects.filter(address__in=names).values_list("address", "is_active", "endpoint")
    found = list(addresses.order_by().union(blocked.order_by(), all=True)) if names else []
    return (
        {name: Target(is_active, endpoint) for name, is_active, endpoint in found if is_active is not None},
        {name for name, is_active, _ in found if is_active is None},
    )


def _facts(
    recipient: str,
    addresses: dict[str, Target],
    blocked: set[str],
    catches_all: bool,
    catch_all: str | None,
    receives_dmarc: bool,
    is_history: bool,
    *verdicts: Any,
) -> Facts:
    base = without_label(recipient)
    return Facts(
        recipient,
        addresses.get(recipient),
        addresses.get(base),
        Target(True, catch_all) if catches_all and catch_all else None,
        bool({recipient, base} & blocked),
        is_history,
        receives_dmarc,
        *verdicts,
    )
