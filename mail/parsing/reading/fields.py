"""Header fields: the lines, encoded words and parameters. Every value is cut before it is looked at."""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from mail.parsing import limits
from mail.parsing.reading.charset import clean, decode
from mail.parsing.reading.transfer import decode_base64

Fields = list[tuple[str, str]]

_NEXT_FIELD = re.compile(rb"\r?\n(?![ \t])")
_FOLD = re.compile(rb"[\r\n]+")
_NAME = re.compile(rb"[!-9;-~]+")
_WORD = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,40})?\?([bBqQ])\?([^?]*)\?=", re.ASCII)
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_QUOTED_PAIR = re.compile(r"\\(.)")
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?")


def split_fields(block: bytes, truncated: set[str]) -> Fields:
    """The fields of a header block, names in lower case, values unfolded and not decoded. A line without a colon is skipped."""
    if len(block) > limits.HEADERS:
        block = block[: limits.HEADERS]
        truncated.add("headers")
    fields: Fields = []
    for line in _NEXT_FIELD.split(block):
        name, colon, value = line.partition(b":")
        name, value = name.rstrip(b" \t"), value.strip()
        if not colon or not _NAME.fullmatch(name):
            continue
        if len(fields) == limits.FIELDS:
            truncated.add("headers")
            break
        if len(name) > limits.FIELD_NAME or len(value) > limits.FIELD:
            truncated.add("headers")
            name = name[: limits.FIELD_NAME]
        kept = value[: limits.FIELD]
        if len(kept) < len(value):
            # Not in the middle of an address or an encoded word.
            kept = kept[: max(kept.rfind(gap) for gap in (b" ", b",", b"\n"))] or kept
        text = decode(_FOLD.sub(b"", kept), whole=len(kept) == len(value))
        fields.append((name.decode("ascii").lower(), text))
    return fields


def decode_words(text: str) -> str:
    """The text with encoded words (RFC 2047) decoded, wherever they stand. Senders split characters between two words."""
    if "=?" not in text:
        return text
    result: list[str] = []
    pending = b""
    charset = ""
    end = 0
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        if pending and (between.strip() or word[1].lower() != charset):
            result.append(decode(pending, charset))
            pending = b""
        if between.strip() or not end:
            result.append(between)
        pending += _bytes_of_word(word[2], word[3])
        charset = word[1].lower()
        end = word.end()
    if pending:
        result.append(decode(pending, charset))
    result.append(text[end:])
    return _one_line(clean("".join(result)))


def _bytes_of_word(encoding: str, content: str) -> bytes:
    data = content.encode("utf-8", "replace")
    return decode_base64(data) if encoding in "bB" else binascii.a2b_qp(data, header=True)


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """`text/plain; charset=utf-8` as its value and its parameters, with what RFC 2231 has split or encoded put together."""
    main, semicolon, _ = value.partition(";")
    found: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(value, len(main)) if semicolon else ():
        name = match[1].lower()
        content = match[2].strip()
        if len(content) > 1 and content.startswith('"') and content.endswith('"'):
            content = _QUOTED_PAIR.sub(r"\1", content[1:-1])
        section = _SECTION.fullmatch(name)
        if "*" not in name or section is None:
            found.setdefault(name, decode_words(content))
        else:
            sections.setdefault(section[1], {}).setdefault(int(section[2] or 0), (content, bool(section[3])))
    for name, parts in sections.items():
        found[name] = _joined(parts)
    return decode_words(main.strip()), found


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """Sections in the order of their numbers. The first encoded one begins with charset and language."""
    charset = None
    data = b""
    for number, (content, is_encoded) in sorted(parts.items()):
        if is_encoded and number == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        data += unquote_to_bytes(content) if is_encoded else content.encode("utf-8", "replace")
    return _one_line(decode(data, charset))


def _one_line(text: str) -> str:
    """Without the line ends that encodings can hide: whoever copies a value into a mail of their own would write a new field."""
    return " ".join(text.splitlines())
