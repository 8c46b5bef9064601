"""What is possible in a grace period, and why not, as sentences for users. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from backoffice.text import moment, plural
from domains.models import DomainDeletion

# The longest time from now to the end of an extended period.
MOST_DAYS = 365


class NotInGrace(Exception):
    """The deletion is not, or no longer, in a grace period. `sentence` says why, and what is left to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class TooLong(Exception):
    """An extension beyond what is allowed. `sentence` says how long it may be."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def refusal(report: DomainDeletion, now: datetime, *, row_is_there: bool) -> str:
    """Why the domain cannot be restored, and its period not be changed, at the time `now` of the database. Empty if it can.

    `row_is_there`: the domain still has its row, deleted and restorable.
    """
    if report.restored_at is not None:
        return restored_already(report)
    ended = report.grace_ended_at or report.restorable_until
    if ended is None:
        return f"The deletion of {report.name} had no grace period, so it cannot be undone. Add the domain again."
    if report.restorable_until is None or report.restorable_until <= now or not row_is_there:
        return f"The grace period of {report.name} ended at {moment(ended)}, so it cannot be restored. Add the domain again."
    return ""


def restored_already(report: DomainDeletion) -> str:
    return f"{report.name} was restored already, at {moment(report.restored_at)}." if report.restored_at else ""


def lost_routes(*, addresses: int, catch_all: bool) -> str:
    """What a restored domain does not have again, because endpoints were deleted meanwhile. Empty if it has everything."""
    it = "it" if addresses == 1 else "them"
    lost = plural(addresses, "email address")
    return " ".join(
        [
            *(
                [f"The endpoint of {lost} is gone. Mail for {it} goes to no endpoint until you choose one."]
                if addresses
                else []
            ),
            *(["The endpoint of the catch-all is gone, so the catch-all is off."] if catch_all else []),
        ]
    )


def extended(until: datetime, days: int, now: datetime) -> datetime:
    """The new end of a period: `days` later. Raises TooLong."""
    later = until + timedelta(days=days)
    if days < 1 or later > now + timedelta(days=MOST_DAYS):
        raise TooLong(
            f"A grace period can be extended by at least a day, and to at most {plural(MOST_DAYS, 'day')} from now. "
            f"It ends at {moment(until)}. Nothing was changed."
        )
    return later
