"""Lines as SMTP takes them: each ends with CRLF and has at most 998 bytes before that (RFC 5321)."""

from __future__ import annotations

import re
from collections.abc import Iterator

Data = bytes | bytearray

LONGEST = 998
# Where a line is broken that has no better place.
_BREAK = 900
_SPACES = re.compile(rb"[ \t\r\n]+")


def with_crlf(data: Data) -> Data:
    """The same lines, each with CRLF at its end. The same bytes if that is so already."""
    pairs = data.count(b"\r\n")
    if pairs == data.count(b"\n") == data.count(b"\r"):
        return data
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def long_lines(data: Data, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Start and end, with its CRLF, of each line that is too long. `start` begins a line."""
    end = len(data) if end is None else end
    while end - start > LONGEST:
        # Many lines at once: the last line end that is near enough.
        newline = data.rfind(b"\n", start, min(start + LONGEST + 2, end))
        if newline < 0:
            newline = data.find(b"\n", start + LONGEST, end)
            stop = end if newline < 0 else newline + 1
            yield start, stop
            start = stop
        else:
            start = newline + 1


def has_long_line(data: Data, start: int = 0, end: int | None = None) -> bool:
    return next(long_lines(data, start, end), None) is not None


def broken(data: Data, start: int, end: int) -> Iterator[bytes]:
    """`data[start:end]` with line breaks in lines that are too long."""
    for line, stop in long_lines(data, start, end):
        yield bytes(data[start:line])
        text = bytes(data[line:stop])
        for position in range(0, len(text.rstrip(b"\r\n")), _BREAK):
            piece = text[position : position + _BREAK].rstrip(b"\r\n")
            yield piece + b"\r\n" if position + _BREAK < len(text) or text.endswith(b"\n") else piece
        start = stop
    yield bytes(data[start:end])


def folded(header: bytes) -> bytes:
    """Header fields, or one of them, without lines that are too long: folded at white space, or else anywhere."""
    pieces: list[bytes] = []
    start = 0
    for line, stop in long_lines(header):
        pieces += header[start:line], _folded_line(header[line:stop])
        start = stop
    return b"".join([*pieces, header[start:]])


def _folded_line(line: bytes) -> bytes:
    end = b"\r\n" if line.endswith(b"\n") else b""
    begins_folded = line[:1] in (b" ", b"\t")
    rest = _SPACES.sub(b" ", line).strip(b" ")
    pieces: list[bytes] = []
    while len(rest) > _BREAK:
        space = rest.rfind(b" ", 0, _BREAK)
        stop = space if space > 0 else _BREAK
        pieces.append(rest[:stop])
        rest = rest[stop:].lstrip(b" ")
    pieces.append(rest)
    return (b" " if begins_folded else b"") + b"\r\n ".join(pieces) + end
