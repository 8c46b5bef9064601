"""Content-Transfer-Encoding undone, in pieces: a decoded attachment is never in memory as a whole."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

PIECE = 256 * 1024

Data = bytes | bytearray

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64 + b"="))
# In one piece. With more, nobody has joined what was encoded apart.
_MOST_PADDING = 20_000
_UU_NAMES = {"x-uuencode", "uuencode", "uue", "x-uue"}


def decoded(data: Data, start: int, end: int, encoding: str) -> Iterator[bytes]:
    """The decoded bytes of `data[start:end]`. What is not valid in the encoding is skipped."""
    if encoding == "base64":
        return _base64(data, start, end)
    if encoding == "quoted-printable":
        return _quoted_printable(data, start, end)
    if encoding in _UU_NAMES:
        return _uu(data, start, end)
    return _pieces(data, start, end)


def decode_base64(data: Data) -> bytes:
    return b"".join(_base64(data, 0, len(data)))


def _pieces(data: Data, start: int, end: int) -> Iterator[bytes]:
    for position in range(start, end, PIECE):
        yield bytes(data[position : min(position + PIECE, end)])


def _base64(data: Data, start: int, end: int) -> Iterator[bytes]:
    """Some senders encode pieces, each with its padding, one after the other: padding ends a quantum, not the part."""
    rest = b""
    for piece in _pieces(data, start, end):
        letters = rest + piece.translate(None, _NOT_BASE64)
        rest = b""
        if letters.count(b"=") > _MOST_PADDING:
            letters = letters.replace(b"=", b"")
        if b"=" in letters:
            *padded, rest = letters.split(b"=")
            # Many paddings in a row leave empty strings between them.
            yield b"".join(_unpadded(quantum) for quantum in padded if quantum)
        else:
            rest = letters
        whole = len(rest) - len(rest) % 4
        if whole:
            yield binascii.a2b_base64(rest[:whole])
            rest = rest[whole:]
    if rest:
        yield _unpadded(rest)


def _unpadded(letters: bytes) -> bytes:
    """A single letter at the end has too few bits for a byte."""
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _quoted_printable(data: Data, start: int, end: int) -> Iterator[bytes]:
    position = start
    while position < end:
        stop = min(position + PIECE, end)
        if stop < end:
            # A line is decoded as a whole. One without end is cut where no "=XY" and no soft line break can be.
            newline = data.rfind(b"\n", position, stop)
            if newline >= 0:
                stop = newline + 1
            else:
                equals = data.rfind(b"=", max(position + 1, stop - 3), stop)
                stop = equals if equals > 0 else stop
        yield binascii.a2b_qp(bytes(data[position:stop]))
        position = stop


def _uu(data: Data, start: int, end: int) -> Iterator[bytes]:
    began = False
    position = start
    while position < end:
        newline = data.find(b"\n", position, end)
        stop = newline if newline >= 0 else end
        line = bytes(data[position : min(stop, position + 1_000)]).rstrip(b"\r\n")
        position = stop + 1
        if not began:
            began = line.startswith(b"begin ")
            continue
        if line.strip() in (b"end", b"`"):
            return
        try:
            yield binascii.a2b_uu(line)
        except binascii.Error:
            # As uudecode does: the line is as long as its first character says, whatever follows.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                yield binascii.a2b_uu(line[:length])
            except binascii.Error:
                continue
