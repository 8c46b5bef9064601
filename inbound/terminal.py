"""Standard streams that take any text, whatever the terminal or pipe behind them is. For `manage.py`.

Imports nothing of Django, so that it works before the settings are read.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from typing import TextIO

CLOSED_PIPE = 141  # 128 + SIGPIPE, as in a shell
PLAIN = {"→": "->", "…": "..."}
# Control characters except tab and line break, and characters that reverse the direction of writing. Names from S3 and SES can
# have them, and a terminal obeys them.
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
_COLOUR = "\x1b\\[[0-9;]*m"


def prepare_streams(*, raw: bool = False) -> None:
    """Replace stdin, stdout and stderr by streams that are open, encode any text and escape control characters.

    `raw`: keep control characters, for a program that draws on the terminal.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Otherwise the next file or connection that is opened would get the number of the closed stream.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = Output(sys.stdout or open(1, "w", encoding="utf-8", closefd=False), raw=raw)  # noqa: SIM115
    sys.stderr = Errors(sys.stderr or open(2, "w", encoding="utf-8", closefd=False), raw=raw)  # noqa: SIM115


def escaped(text: str) -> str:
    """The text without control characters: `\\x1b` is written as these four. Colours stay, and a line that overwrites another."""
    start = text[:1] if text.startswith("\r") else ""
    return start + re.sub(
        f"({_COLOUR})|{_CONTROL}",
        lambda found: found[1] or found[0].encode("unicode_escape").decode(),
        text[len(start) :],
    )


class _Stream(io.TextIOWrapper):
    """A text stream in the encoding of `of`, which it replaces."""

    def __init__(self, of: TextIO, *, raw: bool) -> None:
        encoding, line_buffering = of.encoding, of.isatty() or getattr(of, "line_buffering", False)
        write_through = getattr(of, "write_through", False)
        super().__init__(
            of.detach(),  # type: ignore[attr-defined]
            encoding=encoding,
            errors="plain",
            line_buffering=line_buffering,
            write_through=write_through,
        )
        self._raw = raw

    def write(self, text: str) -> int:
        try:
            super().write(text if self._raw else escaped(text))
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        # The text that is still in the buffer would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


class Output(_Stream):
    """Standard output. If it cannot be written, the command ends: quietly after a closed pipe, otherwise with a sentence."""

    def _fail(self, error: OSError) -> None:
        super()._fail(error)
        # What the command leaves half done may complain while it is cleared away, such as a cursor of a closed connection.
        sys.unraisablehook = lambda _: None
        if isinstance(error, BrokenPipeError):
            sys.exit(CLOSED_PIPE)
        sys.exit(f"The output cannot be written: {error.strerror}.")


class Errors(_Stream):
    """Standard error. If it cannot be written, the command goes on without it."""


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace what an encoding lacks by similar ASCII characters, or escape it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(character) or ascii(character)[1:-1] for character in text), error.end


codecs.register_error("plain", _plain)
