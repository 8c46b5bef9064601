"""Wording shared by admin pages, management commands and plans: counts, lists of names, sizes, dates, sections."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

from django.template.defaultfilters import filesizeformat

UNCERTAIN = "Not all of this is certain: what is unconfirmed or could not be looked up is marked above."


@dataclass(frozen=True, slots=True)
class Section:
    """A title, which may be empty, and the sentences below it."""

    title: str
    lines: tuple[str, ...]


class Measured(Protocol):
    """The argument of `amount`, for example `ses_integration.storage.inventory.Stored`."""

    @property
    def objects(self) -> int: ...
    @property
    def versions(self) -> int: ...
    @property
    def bytes(self) -> int: ...


def sections(*parts: tuple[str, Iterable[str]]) -> list[Section]:
    """Sections from titles and lines; parts without lines are left out."""
    made = (Section(title, tuple(lines)) for title, lines in parts)
    return [section for section in made if section.lines]


def as_plain_text(parts: Iterable[Section]) -> str:
    """Sections for a terminal: `Title:` and a list, separated by empty lines."""
    return "\n\n".join(
        "\n".join([*([f"{section.title}:"] if section.title else []), *(f"- {line}" for line in section.lines)])
        for section in parts
    )


def plural(count: int, noun: str) -> str:
    """`1 address`, `2 addresses`, `0 identities`, `12,000 rules`. `noun` is singular."""
    if count != 1:
        noun = f"{noun}es" if noun.endswith("s") else f"{noun[:-1]}ies" if noun.endswith("ty") else f"{noun}s"
    return f"{count:,} {noun}"


def listed(names: Collection[str], at_most: int = 10) -> str:
    """`a, b and 3 more`: the first `at_most` names in their order. Empty if there are none."""
    more = len(names) - at_most
    return ", ".join(islice(names, at_most)) + (f" and {more:,} more" if more > 0 else "")


def shortened(lines: Sequence[str], at_most: int, note: str = "") -> list[str]:
    """The first `at_most` lines, and then a line `and 3 more` with the note behind it."""
    more = len(lines) - at_most
    return [*lines[:at_most], *([f"and {more:,} more{note}"] if more > 0 else [])]


def amount(stored: Measured) -> str:
    """`2 objects, 3 versions, 1.5 KB`."""
    return f"{plural(stored.objects, 'object')}, {plural(stored.versions, 'version')}, {size(stored.bytes)}"


def size(count: int) -> str:
    """`1.5 KB`, with a plain space, which terminals and tests can match."""
    return filesizeformat(count).replace("\N{NO-BREAK SPACE}", " ")


def moment(at: datetime) -> str:
    """`2026-11-26 09:30:00 UTC`, whatever the time zone of `at`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
