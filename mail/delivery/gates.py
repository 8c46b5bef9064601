"""Gates: what is remembered of an endpoint that fails, so that it neither holds up others nor is flooded.

See docs/architecture/delivery.md, "Gates".
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from mail.delivery.claims import ClaimedDelivery
from mail.delivery.result import Kind, Result
from mail.delivery.schedule import gate_pause, wanted_pause
from mail.models import EndpointGate

# An endpoint is slow if its answer took longer.
SLOW_SECONDS = 2.0
# Answers 410 in a row after which the endpoint is switched off. Each is for another mail.
GONE_OFTEN = 3
GONE = "The receiver answered three times that it is gone (410), so it gets no more mail."


def record(claim: ClaimedDelivery, result: Result) -> str:
    """Remember how an endpoint has answered, if there is anything to remember. Returns why it should be switched off, or "".

    In a transaction of its own: one that also held a delivery could wait for the deletion of the endpoint, which waits for it.
    """
    is_slow = result.seconds is not None and result.seconds > SLOW_SECONDS
    # The endpoint may have been deleted meanwhile: the database notices a new gate's at the end of the transaction.
    with suppress(IntegrityError):
        if result.kind == Kind.DELIVERED and (claim.has_gate or is_slow):
            _worked(claim.endpoint_id, is_slow=is_slow)
        elif result.kind in (Kind.FAILED, Kind.GONE):
            return _failed(claim.endpoint_id, result, is_slow=is_slow)
    return ""


def open_for_one(endpoint: str) -> None:
    """Let one delivery through now, because a person wants to see whether the endpoint works again."""
    EndpointGate.objects.filter(pk=endpoint).update(not_before=None)


def _worked(endpoint: str, *, is_slow: bool) -> None:
    healthy = {"failures": 0, "gone": 0, "not_before": None, "down_since": None, "problem": "", "is_slow": is_slow}
    gate = EndpointGate.objects.filter(pk=endpoint).first()
    if gate is None:
        if is_slow:
            _insert(endpoint, is_slow=True)
    elif not is_slow and not gate.bounces:
        # Unless a bounce has come meanwhile.
        EndpointGate.objects.filter(pk=endpoint, bounces=0).delete()
    elif any(getattr(gate, name) != value for name, value in healthy.items()):
        EndpointGate.objects.filter(pk=endpoint).update(**healthy)


def _failed(endpoint: str, result: Result, *, is_slow: bool) -> str:
    with transaction.atomic():
        gate = _locked(endpoint)
        if gate is None:
            _insert(endpoint)
            gate = _locked(endpoint)
        # What was under way when the gate closed says nothing new.
        failures = gate["failures"] + (not gate["is_closed"])
        gone = gate["gone"] + 1 if result.kind == Kind.GONE else 0
        values: dict[str, Any] = {
            "failures": failures,
            "gone": gone,
            "is_slow": is_slow,
            "down_since": Coalesce("down_since", Now()),
            "problem": result.problem[:500],
        }
        pause = max(
            gate_pause(failures, settings.WEBHOOK_RETRY_SECONDS), wanted_pause(result.status_code, result.retry_after)
        )
        if pause and not gate["is_closed"]:
            values["not_before"] = Now() + timedelta(seconds=pause)
        EndpointGate.objects.filter(pk=endpoint).update(**values)
    return GONE if gone >= GONE_OFTEN else ""


def _locked(endpoint: str) -> Any:
    """Failures in a row, answers 410 in a row, and whether nothing passes now. None without a gate."""
    locked = EndpointGate.objects.select_for_update().filter(pk=endpoint)
    return locked.annotate(is_closed=Q(not_before__gt=Now())).values("failures", "gone", "is_closed").first()


def _insert(endpoint: str, **values: bool) -> None:
    """Raises IntegrityError, now or at the end of the transaction, if the endpoint has been deleted."""
    EndpointGate.objects.bulk_create([EndpointGate(endpoint_id=endpoint, **values)], ignore_conflicts=True)
