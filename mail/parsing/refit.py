"""The body of a mail, refitted so that SES sends it: without lines that are too long, and if asked, without attachments.

Only the parts in question change. What is too long in a header is folded; a part with a long line is encoded anew in base64; an
attachment becomes a line of text that names it. Everything else keeps its bytes. For the child process: it takes time.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mail.parsing.lines import broken, folded, has_long_line, with_crlf
from mail.parsing.reading.bodies import is_text
from mail.parsing.reading.mail import filename
from mail.parsing.reading.structure import Data, Part, read_structure
from mail.parsing.reading.transfer import decoded

# Messages inside each other. What is deeper is encoded as if it were no message.
DEPTH = 5
# Bytes in a line of base64.
LINE = 57

# Names in lower case. None: the field is left out.
Overrides = dict[str, str | None]

_TEXT: Overrides = {"content-type": "text/plain; charset=utf-8", "content-transfer-encoding": "base64"}
_ABOUT_ATTACHMENT = ("content-disposition", "content-id", "content-description", "content-location")


@dataclass(slots=True)
class _Edit:
    start: int
    end: int
    pieces: Iterable[bytes]


@dataclass(slots=True)
class _Refit:
    data: Data
    without_attachments: bool
    # In their order.
    edits: list[_Edit] = field(default_factory=list)
    overrides: Overrides = field(default_factory=dict)

    def message(self, root: Part, depth: int = 0) -> None:
        """Edits of a message. The fields of the outermost one are the caller's."""
        for part in root.parts():
            own = part is root and depth == 0
            if part.children:
                if not own:
                    self._fold(part)
            elif self.without_attachments and not is_text(part, root):
                self._replace(part, own)
            elif part.content_type == "message/rfc822" and depth < DEPTH:
                if not own:
                    self._fold(part)
                # Base64 is not for messages (RFC 2046, 5.2.1).
                inner = read_structure(self.data, set(), part.start, part.end)
                self.message(inner, depth + 1)
            elif has_long_line(self.data, part.start, part.end):
                self._encode(part, own)
            elif not own:
                self._fold(part)

    def _fold(self, part: Part) -> None:
        if has_long_line(self.data, part.header, part.start):
            self._edit(part.header, part.start, [folded(bytes(self.data[part.header : part.start]))])

    def _replace(self, part: Part, own: bool) -> None:
        name = filename(part) or "without a name"
        text = f"[Attachment removed: {name} ({part.content_type})]\r\n".encode()
        if own:
            self.overrides = {**_TEXT, **dict.fromkeys(_ABOUT_ATTACHMENT)}
        else:
            lines = [f"{name.title()}: {value}\r\n" for name, value in _TEXT.items()]
            self._edit(part.header, part.start, ["".join([*lines, "\r\n"]).encode()])
        self._edit(part.start, part.end, _as_base64([text]))

    def _encode(self, part: Part, own: bool) -> None:
        if dict(part.fields).get("content-type", "").strip().lower().startswith("multipart/"):
            # Not taken apart. Base64 is not for multiparts either.
            if not own:
                self._fold(part)
            self._edit(part.start, part.end, broken(self.data, part.start, part.end))
            return
        if own:
            self.overrides = {"content-transfer-encoding": "base64"}
        else:
            self._edit(part.header, part.start, [self._header_in_base64(part)])
        self._edit(part.start, part.end, _as_base64(decoded(self.data, part.start, part.end, part.encoding)))

    def _header_in_base64(self, part: Part) -> bytes:
        lines: list[bytes] = []
        skipped = False
        for line in bytes(self.data[part.header : part.start]).splitlines(keepends=True):
            if line[:1] not in (b" ", b"\t"):
                skipped = line.lower().startswith(b"content-transfer-encoding") or not line.strip()
            if not skipped:
                lines.append(line)
        return folded(b"".join(lines)) + b"Content-Transfer-Encoding: base64\r\n\r\n"

    def _edit(self, start: int, end: int, pieces: Iterable[bytes]) -> None:
        self.edits.append(_Edit(start, end, pieces))


def refit(data: Data, *, without_attachments: bool) -> tuple[Overrides, Iterator[bytes]]:
    """Fields of the mail that become others, and its new body in pieces."""
    data = with_crlf(data)
    truncated: set[str] = set()
    root = read_structure(data, truncated)
    work = _Refit(data, without_attachments)
    work.message(root)
    end = len(data)
    if without_attachments and "parts" in truncated:
        # Nobody has looked at the parts after the last one.
        end = max(part.end for part in root.leaves())
    return work.overrides, _edited(data, root.start, end, work.edits)


def _edited(data: Data, start: int, end: int, edits: list[_Edit]) -> Iterator[bytes]:
    """Between the edits are parts as they came, boundaries, and text around them that nobody reads."""
    for edit in edits:
        yield from broken(data, start, edit.start)
        yield from edit.pieces
        start = edit.end
    yield from broken(data, start, max(start, end))


def _as_base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        rest += piece
        whole = len(rest) - len(rest) % LINE
        if whole:
            yield base64.encodebytes(rest[:whole]).replace(b"\n", b"\r\n")
            rest = rest[whole:]
    # The line break before a boundary is not the part's.
    yield base64.b64encode(rest)
