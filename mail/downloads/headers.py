"""Headers of a response whose body a stranger has written. Browsers save it, whatever it is."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

BINARY = "application/octet-stream"
RAW = "message/rfc822"
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
# What a browser would run, if a proxy removed the other headers.
ACTIVE = re.compile(r"html|xml|svg|script|flash|java|xslt|pdf", re.IGNORECASE)
SEPARATORS = re.compile(r'[/\\:*?"<>|]')
# Of most file systems, in bytes.
LONGEST_NAME = 255


def download_headers(filename: str | None, content_type: str) -> dict[str, str]:
    """`filename` and `content_type` as the mail names them: anything, or nothing."""
    name = safe_filename(filename or "") or "attachment"
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "Content-Type": safe_type(content_type),
        "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def safe_filename(text: str) -> str:
    """The name without separators, control characters and characters that hide or reorder others. At most 255 bytes.

    Leading dots go, too: they hide a file. Empty if nothing is left.
    """
    shown = "".join(" " if character.isspace() else character for character in text)
    plain = "".join(character for character in shown if not unicodedata.category(character).startswith("C"))
    name = " ".join(SEPARATORS.sub("_", plain).split()).lstrip(".").rstrip(". ")
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > 20:
        stem, dot, extension = name, "", ""
    room = LONGEST_NAME - len(f"{dot}{extension}".encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + extension


def safe_type(text: str) -> str:
    """The media type, unless it is none, or one that a browser would run or render with scripts."""
    name = text.partition(";")[0].strip().lower()
    return name if MEDIA_TYPE.fullmatch(name) and not ACTIVE.search(name) else BINARY
