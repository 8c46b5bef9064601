"""What a variable may hold: flags, numbers, words, secrets and lists of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")

QUOTES = frozenset("\"'`")
FLAGS = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
# A wrong value may be a whole file.
SHOWN_LENGTH = 60


class Refused(ValueError):
    """A value that its form does not accept. The text follows the variable's name in the error message."""


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """A type with its range or pattern.

    `expected` completes the sentence "it must be …". `parse` raises ValueError for a text that is none, or Refused to say
    more. `unset` is the value of a variable that has neither text nor default. No part of a `secret` is ever shown.
    """

    expected: str
    parse: Callable[[str], T]
    unset: T | None = None
    secret: bool = False

    def read(self, text: str) -> T:
        """The value. Raises Refused."""
        require_bare(text)
        try:
            return self.parse(text)
        except Refused:
            raise
        except ValueError:
            found = "cannot be used" if self.secret else f"is {shown(text)}"
            raise Refused(f"{found}; it must be {self.expected}") from None


def require_bare(text: str) -> None:
    """Refuse what env files and shells leave around a value, even where any text is allowed. Raises Refused."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise Refused("is not valid UTF-8; write it as UTF-8 text")
    if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES:
        raise Refused("is in quotes, which would be part of the value; remove them")
    if text != text.strip():
        raise Refused("begins or ends with a blank or a line end; remove it")


def shown(text: str) -> str:
    """The text for an error message, on one line. Not if it may be a URL with a password."""
    if "@" in text:
        return "a text with an @"
    quoted = repr(text)
    return quoted if len(quoted) <= SHOWN_LENGTH else f"{quoted[:SHOWN_LENGTH]}..."


def flag() -> Form[bool]:
    def parse(text: str) -> bool:
        value = FLAGS.get(text.lower())
        if value is None:
            raise ValueError
        return value

    return Form("true or false", parse)


def number(lowest: float, highest: float, *, or_zero: bool = False) -> Form[float]:
    """A decimal number in this range. `or_zero`: or 0, which is below it."""

    def parse(text: str) -> float:
        value = _decimal(text)
        if not (lowest <= value <= highest or (or_zero and value == 0)):
            raise ValueError
        return value

    return Form(f"{'0 or ' if or_zero else ''}a number from {lowest} to {highest}", parse)


def positive_number(highest: float) -> Form[float]:
    """A decimal number above 0."""

    def parse(text: str) -> float:
        value = _decimal(text)
        if not 0 < value <= highest:
            raise ValueError
        return value

    return Form(f"a number above 0 and at most {highest}", parse)


def _decimal(text: str) -> float:
    # float() would also take nan, inf, 1e400, 1_000 and digits of other scripts.
    if not DECIMAL.fullmatch(text) or not math.isfinite(value := float(text)):
        raise ValueError
    return value


def whole_number(lowest: int, highest: int) -> Form[int]:
    def parse(text: str) -> int:
        if not WHOLE.fullmatch(text) or not lowest <= (value := int(text)) <= highest:
            raise ValueError
        return value

    return Form(f"a whole number from {lowest} to {highest}", parse)


def port() -> Form[int]:
    return replace(whole_number(1, 65535), expected="a port, a whole number from 1 to 65535")


def choice(*words: str) -> Form[str]:
    """One of these words, typed in any case."""
    known = {word.lower(): word for word in words}

    def parse(text: str) -> str:
        # Some letters of other scripts have lower-case forms in ASCII.
        if not text.isascii() or text.lower() not in known:
            raise ValueError
        return known[text.lower()]

    return Form(f"{', '.join(words[:-1])} or {words[-1]}", parse, unset="")


def pattern(expected: str, regex: str, *, secret: bool = False) -> Form[str]:
    """A text that the regular expression matches as a whole. `\\w` stands for the letters and digits of all scripts."""
    compiled = re.compile(regex)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError
        return text

    return Form(expected, parse, unset="", secret=secret)


def secret_text(expected: str) -> Form[str]:
    """Any text. It is taken literally: a `$` at its beginning has no meaning."""
    return Form(expected, str, unset="", secret=True)


def list_of(item: Form[T]) -> Form[list[T]]:
    """Items separated by commas. `item.expected` is in the plural."""
    expected = f"{item.expected}, separated by commas without blanks"

    def parse(text: str) -> list[T]:
        return [read(part) for part in text.split(",")]

    def read(part: str) -> T:
        try:
            if part:
                return item.read(part)
        except Refused:
            pass
        found = "an item that cannot be used" if item.secret else shown(part) if part else "an empty item"
        raise Refused(f"has {found}; it must be {expected}")

    return Form(expected, parse, unset=[], secret=item.secret)
