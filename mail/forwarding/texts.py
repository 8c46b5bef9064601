"""Texts as values of header fields: only ASCII, on lines that SMTP takes, and without a way to begin another field. Pure."""

from __future__ import annotations

import base64
import re
import unicodedata

from mail.parsing.lines import folded
from mail.parsing.reading.charset import decode

# Characters of a display name.
NAME = 80
# Bytes of a value. The reader of mail cuts there as well.
VALUE = 8 * 1024

_WORD = 45
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\n(?![ \t])|\r")
_BLANK_FOLD = re.compile(rb"\n[ \t]+(?=\n|\Z)")
# What could end a name or look like an address of its own.
_NOT_IN_NAMES = re.compile(r'[\s"\\<>()\[\],;:@]+')
_ID = re.compile(rb"<[!-;=?-~]{1,250}>")
_ATOM = r"[!#$%&'*+/=?^_`{|}~\w-]+"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether it can stand in a header as it is, and SES takes it."""
    return len(text) <= 320 and _ADDRESS.fullmatch(text) is not None


def clean_name(text: str) -> str:
    """A display name without characters that cannot be seen, end the name, or make it look like an address."""
    visible = "".join(
        " " if unicodedata.category(character)[0] in "CZ" else character for character in text[: 4 * NAME]
    )
    return " ".join(_NOT_IN_NAMES.sub(" ", visible).split())[:NAME].rstrip()


def mailbox(name: str, address: str) -> bytes:
    """`"Jo" <jo@example.com>`. The address must be one (`is_address`)."""
    shown = clean_name(name)
    if not shown:
        return address.encode("ascii")
    phrase = f'"{shown}"'.encode() if is_plain(shown) else encoded_words(shown)
    return phrase + b" <" + address.encode("ascii") + b">"


def is_plain(text: str) -> bool:
    """Whether the text may stand in a header as it is."""
    return text.isascii() and text.isprintable() and "=?" not in text


def encoded_words(text: str) -> bytes:
    """The text as encoded words (RFC 2047), each on a line of its own."""
    words: list[bytes] = []
    word = b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > _WORD:
            words.append(word)
            word = b""
        word += encoded
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(word) + b"?=" for word in [*words, word])


def unstructured(text: str) -> bytes:
    """The value of a field that is only text."""
    shown = " ".join("".join(" " if unicodedata.category(one)[0] == "C" else one for one in text).split())
    return folded(shown.encode()) if is_plain(shown) else encoded_words(shown)


def kept(value: bytes, *, is_text: bool) -> bytes:
    """A value of another mail, folded as it was. Empty if nothing is left of it.

    `is_text`: what is not ASCII is encoded; in other fields it would be part of the syntax, and becomes `?`.
    """
    if len(value) > VALUE:
        gap = max(value.rfind(b" ", 0, VALUE), value.rfind(b"\t", 0, VALUE))
        value = value[: gap if gap > 0 else VALUE]
    if is_text and not value.isascii():
        return unstructured(decode(value))
    value = value.replace(b"\r\n", b"\n").decode("ascii", "replace").replace("\ufffd", "?").encode()
    value = _BLANK_FOLD.sub(b"", _CONTROL.sub(b" ", value)).strip()
    return folded(value.replace(b"\n", b"\r\n"))


def message_ids(value: bytes) -> list[bytes]:
    return _ID.findall(value)
