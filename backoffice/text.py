"""Wording shared by admin pages, management commands, plans and messages: counts, lists of names, sizes, dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.template.defaultfilters import filesizeformat

DECEPTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
UNCERTAIN = "Not all of this is certain: what is unconfirmed or could not be looked up is marked above."


def plural(count: int, noun: str) -> str:
    """`1 address`, `2 addresses`, `0 identities`, `12,000 rules`. `noun` is singular."""
    if count != 1:
        noun = f"{noun}es" if noun.endswith("s") else f"{noun[:-1]}ies" if noun.endswith(("ry", "ty")) else f"{noun}s"
    return f"{count:,} {noun}"


def listed(names: Collection[str], at_most: int = 10, total: int | None = None) -> str:
    """`a, b and 3 more`: the first `at_most` names in their order. Empty if there are none.

    `total`: how many there are, if `names` are only the first.
    """
    more = (len(names) if total is None else total) - at_most
    return ", ".join(islice(names, at_most)) + (f" and {more:,} more" if more > 0 else "")


def shortened(lines: Sequence[str], at_most: int, note: str = "") -> list[str]:
    """The first `at_most` lines, and then a line `and 3 more` with the note behind it."""
    more = len(lines) - at_most
    return [*lines[:at_most], *([f"and {more:,} more{note}"] if more > 0 else [])]


def one_line(text: str) -> str:
    """The text with line breaks and control characters escaped, such as a key of S3 that others have chosen."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def visible(text: str) -> str:
    """The text on one line, with control characters and those that reverse the direction of writing escaped.

    For what strangers have written. Other invisible characters stay, because scripts and emoji need them.
    """
    return DECEPTIVE.sub(lambda found: found[0].encode("unicode_escape").decode(), " ".join(text.split()))


def size(count: int) -> str:
    """`1.5 KB`, with a plain space, which terminals and tests can match."""
    return filesizeformat(count).replace("\N{NO-BREAK SPACE}", " ")


def duration(span: timedelta) -> str:
    """`4 s`, `3 min`, `2 h`, `5 days`: rounded down, in the largest unit that fits. Nothing is younger than now."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 2 * 86400 else plural(seconds // 86400, "day")


def moment(at: datetime) -> str:
    """`2026-11-26 09:30:00 UTC`, whatever the time zone of `at`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(at: datetime, now: datetime) -> str:
    """`2026-11-26 09:30:00 UTC, 3 min ago`."""
    return f"{moment(at)}, {duration(now - at)} ago"
