"""The signing secrets of a webhook: the current one, and the previous one while receivers change over."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, record
from endpoints.models import Endpoint
from endpoints.webhooks import sealing

# Both secrets sign for this long after a rotation.
OVERLAP = timedelta(hours=24)
FIELDS = ("sealed_secret", "sealed_previous_secret", "previous_secret_until")


class NoSecret(Exception):
    """Only webhooks have a signing secret."""


def replace(row: Endpoint, secret: str) -> None:
    """Set the secret of a locked row, which the caller saves. Does nothing if it is the current one. Raises NoSecret."""
    if row.type != Endpoint.Type.WEBHOOK:
        raise NoSecret
    current = row.secret
    if current == secret:
        return
    # A secret that cannot be read cannot sign.
    row.sealed_previous_secret = row.sealed_secret if current is not None else ""
    row.previous_secret_until = timezone.now() + OVERLAP if current is not None else None
    row.sealed_secret = sealing.seal(secret)


def reseal_all() -> tuple[int, list[str]]:
    """Seal all secrets with today's SECRET_KEY. Returns the number of webhooks, and the ids of those that cannot be read."""
    done, unreadable = 0, []
    webhooks = Endpoint.objects.filter(type=Endpoint.Type.WEBHOOK).order_by("pk")
    for pk, current, previous in webhooks.values_list("pk", *FIELDS[:2]).iterator():
        try:
            again = {"sealed_secret": sealing.reseal(current)}
            if previous:
                again["sealed_previous_secret"] = sealing.reseal(previous)
        except sealing.Unreadable:
            unreadable.append(pk)
            continue
        # A secret that was rotated meanwhile is sealed with today's key already.
        Endpoint.objects.filter(pk=pk, sealed_secret=current).update(**again)
        done += 1
    record(Entry(Action.RESEALED, Endpoint._meta.label_lower, "", "signing secrets", after={"webhooks": done}))
    return done, unreadable
