"""Sentences about SES being behind the rows that several pages, commands or answers use.

The sentence of an error belongs to the error (`ses_integration/errors.py`).
"""

from __future__ import annotations

from datetime import datetime

from backoffice.text import moment

CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."
LEFT_ELSEWHERE = "A previously configured region or rule set may still receive mail for this name. Run ses_cleanup."
NOT_TRIED = "Not tried yet."


def unanswered(until: datetime | None) -> str:
    """What happens to a call in flight that SES may apply until `until`; empty if there is none."""
    return f"An earlier call to AWS got no answer; it is sent again after {moment(until)}." if until else ""
