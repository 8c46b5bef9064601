"""Too many wrong passwords: django-axes counts them, and this says what follows (docs/people.md, "Signing in")."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from audit.actions import Action
from audit.record import record_names
from backoffice.text import moment
from inbound.web.remote import remote_address

TOO_MANY = "Too many wrong passwords for this name from your address. You can sign in again at {}."


def client_address(request: HttpRequest) -> str | None:
    """The address that attempts are counted for. None instead of an empty text, which is no address.

    Of IPv6 it is the network: whoever has one address of it has 2**64, and could guess from each.
    """
    address = remote_address(request)
    return str(ip_network(f"{address}/64", strict=False)[0]) if ":" in address else address or None


def locked_page(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, str] | None
) -> HttpResponse:
    """What a locked name sees in place of the form, even with the right password."""
    name = (credentials or {}).get("username", "")
    until = locked_until(name, client_address(request)) or timezone.now()
    context = {
        **admin.site.each_context(request),
        "title": "Signing in is locked",
        "sentence": TOO_MANY.format(moment(until)),
    }
    page = render(request, "admin/inbound/locked.html", context, status=429)
    page["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds())))
    return page


def locked_until(name: str, address: str | None) -> datetime | None:
    """When signing in with this name from this address ends to be locked. None if it is not."""
    found = (
        counted().filter(username=name, ip_address=address).aggregate(Sum("failures_since_start"), Max("attempt_time"))
    )
    return lock_end(found["failures_since_start__sum"] or 0, found["attempt_time__max"])


def lock_end(failures: int, last: datetime) -> datetime | None:
    """When the lock after so many wrong passwords ends. None if there are too few for one."""
    span: timedelta = settings.AXES_COOLOFF_TIME
    return last + span if failures >= settings.AXES_FAILURE_LIMIT else None


def counted() -> QuerySet[AccessAttempt]:
    """The attempts that still count."""
    span: timedelta = settings.AXES_COOLOFF_TIME
    attempts: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(attempt_time__gt=timezone.now() - span)
    return attempts


def unlock(attempts: QuerySet[AccessAttempt]) -> list[tuple[str, str]]:
    """Forget these attempts. Returns each name with its address."""
    pairs = sorted({(name or "", address or "") for name, address in attempts.values_list("username", "ip_address")})
    with transaction.atomic():
        attempts.delete()
        names = [f"{name} from {address}" for name, address in pairs]
        record_names(Action.UNLOCKED, AccessAttempt._meta.label_lower, names)
    return pairs
