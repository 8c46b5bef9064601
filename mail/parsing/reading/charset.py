"""Bytes as text that PostgreSQL stores."""

from __future__ import annotations

import codecs
import re

REPLACEMENT = "\ufffd"
_NAME = re.compile(r"[A-Za-z0-9][\w.:+-]{0,39}", re.ASCII)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Codecs of Python that are no charsets of mail. Some take quadratic time.
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem", "charmap"}
# Names that mail has and Python does not know, and charsets whose superset is meant.
_MEANT = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "windows-874": "cp874",
    "x-mac-roman": "mac-roman",
    "unicode-1-1-utf-7": "utf-7",
}

_ASCII = bytes(range(128))
_UTF_8 = codecs.lookup("utf-8")


def clean(text: str) -> str:
    """The text without NUL and lone surrogates, which PostgreSQL refuses."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub(REPLACEMENT, text)


def codec_of(charset: str | None) -> codecs.CodecInfo | None:
    """The codec that a mail names, None if there is none of this name."""
    name = (charset or "").strip().strip("\"'").lower()
    if not _NAME.fullmatch(name):
        return None
    try:
        codec = codecs.lookup(_MEANT.get(name, name))
    except (LookupError, ValueError):
        return None
    is_charset = getattr(codec, "_is_text_encoding", True) and codec.name.replace("-", "_") not in _NO_CHARSETS
    return codec if is_charset else None


def decode(data: bytes | bytearray, charset: str | None = None, *, whole: bool = True) -> str:
    """The text in the declared charset, else in UTF-8, else in Latin-1. Not `whole`: it may end inside a character.

    A few broken characters in a long text are replaced: all of it in Latin-1 would be unreadable.
    """
    if charset is None and data.isascii():
        return clean(data.decode("ascii"))
    codecs_in_order = [codec for codec in (codec_of(charset), _UTF_8) if codec]
    for errors in ("strict", "replace"):
        for codec in codecs_in_order:
            text = _decoded(codec, bytes(data), errors, whole)
            if text is not None and (errors == "strict" or _is_readable(text, data)):
                return clean(text)
    return clean(data.decode("latin-1"))


def _decoded(codec: codecs.CodecInfo, data: bytes, errors: str, whole: bool) -> str | None:
    try:
        if whole or codec.incrementaldecoder is None:
            return codec.decode(data, errors)[0]
        return codec.incrementaldecoder(errors).decode(data)
    except (ValueError, LookupError, OverflowError):
        return None


def _is_readable(text: str, data: bytes | bytearray) -> bool:
    """Whether at most one in ten bytes beyond ASCII was broken."""
    return 10 * text.count(REPLACEMENT) <= len(data.translate(None, _ASCII))
