"""What must be typed before something is deleted: the row's name, or how many rows."""

from __future__ import annotations

from backoffice.text import plural
from rest.names.canonical import canonical_part

FIELD = "typed"


def phrase_for(count: int, noun: str) -> str:
    """`delete 26 domains`."""
    return f"delete {plural(count, noun)}"


def is_typed(typed: str, phrase: str) -> bool:
    """Whether it is the phrase, whatever the case and the spaces. A domain may be typed with its umlauts."""
    typed, phrase = _plain(typed), _plain(phrase)
    return phrase in (typed, canonical_part(typed) or typed)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
