"""Sentences about SES being behind the rows that several pages, commands or answers use.

The sentence of an error belongs to the error (`ses_integration/errors.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from backoffice.text import listed, moment
from workers.alive import is_alive
from workers.models import WorkerKind
from workers.wording import waits_for

NOT_CONFIRMED = "SES has not confirmed the change."
CHANGE_PENDING = f"{NOT_CONFIRMED} It is recorded and will be applied automatically."
NO_ROOM = (
    f"{NOT_CONFIRMED} It is recorded, but somebody must first delete domains or addresses that are not needed any more."
)
LEFT_ELSEWHERE = "A previously configured region or rule set may still receive mail for this name. Run ses_cleanup."
NOT_TRIED = "Not tried yet."


def change_pending() -> str:
    """That SES has not confirmed a change, and what happens next. One statement while a worker is alive."""
    return CHANGE_PENDING if is_alive(WorkerKind.SES) else f"{NOT_CONFIRMED} {waits_for(WorkerKind.SES)}"


def taken_by_others(rules: Collection[str]) -> str:
    """What the owner of a domain reads if rules that are not ours take its mail."""
    what = "A rule that is not ours takes" if len(rules) == 1 else "Rules that are not ours take"
    return f"{what} mail of this domain, too, so it may not arrive: {listed(rules)}. Ask who runs this installation."


def unanswered(until: datetime | None) -> str:
    """What happens to a call in flight that SES may apply until `until`; empty if there is none."""
    return f"An earlier call to AWS got no answer; it is sent again after {moment(until)}." if until else ""
