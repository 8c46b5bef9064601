"""The parts of a mail: which bytes are the header and the body of each.

Only positions are kept, and the search for boundaries is that of `re`, so a mail of 40 MB with lines of one byte costs what any
other costs. `email.parser` makes an object of each line and calls itself for each level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mail.parsing import limits
from mail.parsing.reading.fields import Fields, parameters, split_fields

Data = bytes | bytearray

_BLANK_LINE = re.compile(rb"\n\r?\n")
_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}", re.ASCII)


@dataclass(slots=True)
class Part:
    """`header`: where its fields begin. Its body is from `start` to `end`."""

    fields: Fields
    header: int
    start: int
    end: int
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    disposition: str | None = None
    disposition_parameters: dict[str, str] = field(default_factory=dict)
    encoding: str = ""
    content_id: str | None = None
    in_alternative: bool = False
    children: list[Part] = field(default_factory=list)

    def leaves(self) -> Iterator[Part]:
        return (part for part in self.parts() if not part.children)

    def parts(self) -> Iterator[Part]:
        """This one, and all in it, in their order."""
        yield self
        for child in self.children:
            yield from child.parts()


def read_structure(data: Data, truncated: set[str], start: int = 0, end: int | None = None) -> Part:
    """The parts of the mail that `data[start:end]` is."""
    return _Walk(data, truncated).part(start, len(data) if end is None else end)


def header_end_in(data: Data, start: int, end: int) -> tuple[int, int]:
    """Where the header ends and where the body begins. A part whose first line is no field has no header."""
    if data[start : start + 1] == b"\n":
        return start, start + 1
    if data[start : start + 2] == b"\r\n":
        return start, start + 2
    first = bytes(data[start : min(end, start + limits.FIELD_NAME)])
    if not re.match(rb"[!-9;-~]+[ \t]*:|>?From ", first):
        return start, start
    blank = _BLANK_LINE.search(data, start, end)
    return (blank.start(), blank.end()) if blank else (end, end)


class _Walk:
    def __init__(self, data: Data, truncated: set[str]) -> None:
        self._data = data
        self._truncated = truncated
        self._parts = 0

    def part(
        self, start: int, end: int, *, depth: int = 0, default: str = "text/plain", alternative: bool = False
    ) -> Part:
        """The part in `data[start:end]`. Boundaries of outer multiparts are not in it any more."""
        self._parts += 1
        header_end, body = header_end_in(self._data, start, end)
        block = bytes(self._data[start : min(header_end, start + limits.HEADERS + 1)])
        fields = split_fields(block, self._truncated)
        part = Part(fields, start, body, end, content_type=default, in_alternative=alternative)
        self._describe(part, default)
        boundary = part.parameters.get("boundary", "")
        if not part.content_type.startswith("multipart/"):
            return part
        if depth == limits.DEPTH:
            self._truncated.add("depth")
            return part
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        alternative = alternative or part.content_type == "multipart/alternative"
        for child_start, child_end in self._split(boundary, body, end) if boundary else ():
            if self._parts >= limits.PARTS:
                self._truncated.add("parts")
                break
            child = self.part(child_start, child_end, depth=depth + 1, default=default, alternative=alternative)
            part.children.append(child)
        if not part.children:
            # Nothing to take apart: shown as it is.
            part.content_type = "text/plain"
        return part

    def _split(self, boundary: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Start and end of each part. The line break before a boundary belongs to the boundary."""
        data = self._data
        raw = boundary.encode("utf-8", "replace")[: limits.FIELD]
        line = re.compile(rb"\n--" + re.escape(raw) + rb"(--)?[ \t]*\r?(?=\n|\Z)")
        opened = None
        for match in line.finditer(data, max(start - 1, 0), end):
            if opened is not None:
                stop = match.start()
                yield opened, max(opened, stop - (data[stop - 1] == 0x0D))
            if match[1]:
                return
            opened = min(match.end() + 1, end)
        if opened is not None:
            yield opened, end

    def _describe(self, part: Part, default: str) -> None:
        named = dict(part.fields)
        if "content-type" in named:
            value, part.parameters = parameters(named["content-type"])
            value = value.strip().lower()
            part.content_type = value if _TYPE.fullmatch(value) else default
        if "content-disposition" in named:
            value, part.disposition_parameters = parameters(named["content-disposition"])
            part.disposition = value.strip().lower()[:40] or None
        part.encoding = named.get("content-transfer-encoding", "").split(";")[0].strip().lower()
        part.content_id = named.get("content-id") or None
