"""A body within WEBHOOK_MAX_BYTES: what does not fit is left out, the dearest and least needed first, and named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mail.webhooks.payload import Payload

LONG_HEADER = 1024
MOST_TEXT = 64 * 1024
# Characters of a text and members of a list, in a mail that consists of little but header fields and attachments.
LAST_RESORTS = ((1000, 100), (200, 20), (50, 5))
# Not cut there: the text of the mail, which has its own limit, and what leads to the rest.
WHOLE = ("textBody", "downloadUrl")

Email = dict[str, Any]


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def body(payload: Payload, most: int) -> bytes:
    """The JSON of the payload, in at most so many bytes, and 100,000 are always enough. `truncated` names what is missing.

    Changes the payload.
    """
    email = payload["email"]
    found = encoded(payload)
    for name, leave_out in _steps(most):
        if len(found) <= most:
            break
        if leave_out(email):
            if name not in email["truncated"]:
                email["truncated"].append(name)
            found = encoded(payload)
    return found


def _steps(most: int) -> Iterator[tuple[str, Callable[[Email], bool]]]:
    """What to leave out, in this order. Each returns whether there was anything."""
    yield "raw", partial(_without, name="raw")
    yield "cleanedContent", _without_cleaned_bodies
    yield "headers", partial(_with_headers, longest=LONG_HEADER)
    yield "htmlBody", partial(_without, name="htmlBody")
    yield "textBody", partial(_with_text, most=min(MOST_TEXT, most // 2))
    yield "headers", partial(_with_headers, longest=0)
    for characters, members in LAST_RESORTS:
        yield "values", partial(_shortened, characters=characters, members=members)


def _without(email: Email, name: str) -> bool:
    return email["parsedData"].pop(name, None) is not None


def _without_cleaned_bodies(email: Email) -> bool:
    """They are the same as those of `parsedData`."""
    cleaned = email["cleanedContent"]
    had_any = cleaned["html"] is not None or cleaned["text"] is not None
    cleaned |= {"html": None, "text": None}
    return had_any


def _with_headers(email: Email, longest: int) -> bool:
    headers = email["parsedData"]["headers"]
    kept = {name: value for name, value in headers.items() if len(encoded(value)) <= longest}
    email["parsedData"]["headers"] = email["cleanedContent"]["headers"] = kept
    return len(kept) < len(headers)


def _with_text(email: Email, most: int) -> bool:
    """Cut the text to so many bytes of JSON, in which a control character takes six."""
    text = email["parsedData"].get("textBody", "")
    size = len(encoded(text))
    is_long = size > most
    while size > most:
        text = text[: len(text) * most // size]
        email["parsedData"]["textBody"] = text
        size = len(encoded(text))
    return is_long


def _shortened(email: Email, characters: int, members: int) -> bool:
    for name in ("messageId", "from", "to", "subject", "threadId", "parsedData", "cleanedContent"):
        email[name] = _short(email[name], characters, members)
    return True


def _short(value: Any, characters: int, members: int) -> Any:
    if isinstance(value, dict):
        return {name: it if name in WHOLE else _short(it, characters, members) for name, it in value.items()}
    if isinstance(value, list):
        return [_short(it, characters, members) for it in value[:members]]
    return value[:characters] if isinstance(value, str) else value
