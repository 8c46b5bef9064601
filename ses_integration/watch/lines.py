"""A drift in words, and as plain values for programs."""

from __future__ import annotations

from typing import Any

from backoffice.shell.output import members
from backoffice.text import listed
from ses_integration.drift.model import Drift, DriftKind

INTRUDES = "It is not ours and takes mail of ours: its owner must disable it, or remove our domains from it."
EVERYTHING = "every address of every domain"
# Published names of the fields that the code calls otherwise.
PUBLISHED = {"resource": "kind", "reason": "why"}


def line(drift: Drift) -> str:
    """A problem, such as `! rule legacy: a@example.com. It is not ours …`"""
    return with_sign(drift, f"{receives(drift)}. {INTRUDES}" if drift.intrudes else f"{drift.kind.lead}{drift.reason}")


def with_sign(drift: Drift, text: str) -> str:
    of = f" of {drift.domain}" if drift.domain and drift.domain != drift.name else ""
    return f"{drift.remedy.sign} {drift.resource} {drift.name}{of}: {text}"


def receives(drift: Drift) -> str:
    """The recipients of a rule that is not ours, and what is known of it."""
    recipients = listed(drift.recipients) or EVERYTHING
    if drift.takes_everything:
        recipients = f"RECEIVES {EVERYTHING.upper()}, ours included"
    origin = "of the reference service" if drift.kind is DriftKind.REFERENCE else ""
    known = "; ".join(filter(None, [origin, drift.reason]))
    return f"{recipients} ({known})" if known else recipients


def as_value(drift: Drift) -> dict[str, Any]:
    """All its fields; `drift` says whether it counts as a problem."""
    fields = {PUBLISHED.get(name, name): value for name, value in members(drift).items() if name != "kind"}
    return {"sort": drift.kind.wire} | fields | {"drift": drift.is_problem}
