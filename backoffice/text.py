"""Titled lists of sentences, shown on admin pages and in terminals."""

from __future__ import annotations

from dataclasses import dataclass

UNCERTAIN = "Not all of this is certain; what is in doubt or could not be looked up is said above."


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: tuple[str, ...]
