"""XML documents with characters that XML 1.0 cannot carry, as S3 sends them."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

# S3 sends these as character references, although XML 1.0 does not allow most of them even so. A raw line break would change.
_SENT_AS_REFERENCE = re.compile("[\x00-\x1f\ufffe\uffff]")


def element(name: str, *contents: str) -> str:
    return f"<{name}>{''.join(contents)}</{name}>"


def text(name: str, value: object) -> str:
    """An element with only text."""
    return element(name, _SENT_AS_REFERENCE.sub(lambda found: f"&#x{ord(found[0]):x};", escape(str(value))))


def document(name: str, *contents: str) -> str:
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{namespace}">{"".join(contents)}</{name}>'
