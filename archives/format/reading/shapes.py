"""The members that each file of an archive has to have, and what each may be. Others are ignored
(docs/architecture/archives.md, "Members")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from archives.format.names import ADDRESSES, BLOCKED, DNS_RECORDS, DOMAIN, ENDPOINTS, LISTS, STATUS_HISTORY, is_index
from archives.format.reading.refusal import damaged
from rest.names.canonical import normalise_address, normalise_domain

Check = Callable[[Any], bool]
Shape = Mapping[str, Check]

MOST = 2**63
# Outside of these, adding hours or days leads to times that Python or the database does not have.
YEARS = range(1970, 3000)
# SES receives a mail for at most 100; a sweep may have found some more.
MOST_EMAILS = 1000


def or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def one_of(*texts: str) -> Check:
    return lambda value: isinstance(value, str) and value in texts


def each(check: Check, most: int = MOST) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def like(shape: Shape) -> Check:
    return lambda value: isinstance(value, dict) and not wrong_member(shape, value)


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST


def anything(value: Any) -> bool:
    return True


def an_object(value: Any) -> bool:
    return isinstance(value, dict)


def an_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,255}", value) is not None


def a_key(value: Any) -> bool:
    """The last part of the key of a mail in the bucket."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return False
    # Neither a folder nor `..`.
    return len(value) <= 255 and not {" ", "/"}.intersection(value) and value.strip(".") != ""


def a_hash(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def a_time(value: Any) -> bool:
    """ISO 8601 in UTC, as `exact` writes it (`archives/format/values.py`)."""
    if not isinstance(value, str) or not value.endswith("Z"):
        return False
    try:
        return datetime.fromisoformat(value).year in YEARS
    except ValueError:
        return False


def a_domain(value: Any) -> bool:
    return _is_canonical(value, normalise_domain)


def an_address(value: Any) -> bool:
    return _is_canonical(value, normalise_address)


def _is_canonical(value: Any, canonical: Callable[[str], str]) -> bool:
    try:
        return isinstance(value, str) and canonical(value) == value
    except ValueError:
        return False


STATUS = one_of("pending", "verified", "failed")
COUNTED = (*LISTS.values(), "mails", "emails", "mailBytes", "missing", "erased")
# Members of endpoints that only the owner's archives have.
SETTINGS: Shape = {
    "config": an_object,
    "secret": or_null(text),
    "description": or_null(text),
    "isActive": flag,
    "webhookFormat": or_null(text),
    "createdAt": a_time,
    "updatedAt": a_time,
}
VERDICTS: Shape = dict.fromkeys(("spf", "dkim", "dmarc", "dmarcPolicy", "spam", "virus"), or_null(text))
EMAIL: Shape = {
    "id": an_id,
    "recipient": or_null(text),
    "disposition": one_of("received", "routed", "stored", "blocked", "quarantined"),
    "route": or_null(an_object),
    "isRead": flag,
    "readAt": or_null(a_time),
    "isArchived": flag,
    "archivedAt": or_null(a_time),
}
MAIL: Shape = {
    "file": or_null(text),
    "bytes": or_null(count),
    "sha256": or_null(a_hash),
    "sesMessageId": a_key,
    "messageId": or_null(text),
    "envelopeFrom": or_null(text),
    "arrivedAt": a_time,
    "notedAt": a_time,
    "source": text,
    "verdicts": like(VERDICTS),
    "deletedFor": each(text),
    "emails": each(like(EMAIL), MOST_EMAILS),
}
MANIFEST_SHAPE: Shape = {
    "createdAt": a_time,
    "inboundVersion": text,
    "domain": like({"id": an_id, "name": a_domain}),
    "endpointSettings": flag,
    "secrets": flag,
    "counts": like(dict.fromkeys(COUNTED, count)),
    "files": each(like({"name": text, "bytes": count, "sha256": a_hash})),
}
SHAPES: Mapping[str, Shape] = {
    DOMAIN: {
        "id": an_id,
        "name": a_domain,
        "status": STATUS,
        "statusReason": or_null(text),
        "verifiedAt": or_null(a_time),
        "canReceiveEmails": flag,
        "hasMxRecords": flag,
        "isCatchAllEnabled": flag,
        "catchAllEndpointId": or_null(an_id),
        "mailFromLabel": text,
        "mailFromChosen": flag,
        "receiveDmarcEmails": flag,
        "createdAt": a_time,
        "updatedAt": a_time,
    },
    ENDPOINTS: {"id": an_id, "name": text, "type": one_of("webhook", "email", "email_group")},
    ADDRESSES: {
        "id": an_id,
        "address": an_address,
        "isActive": flag,
        "endpointId": or_null(an_id),
        "createdAt": a_time,
        "updatedAt": a_time,
    },
    BLOCKED: {"id": an_id, "emailAddress": an_address, "reason": or_null(text), "createdAt": a_time},
    DNS_RECORDS: {
        "type": one_of("TXT", "MX", "CNAME"),
        "name": text,
        "value": text,
        "isRequired": flag,
        "state": or_null(one_of("verified", "missing", "wrong")),
        "problem": or_null(text),
        "lastChecked": or_null(a_time),
    },
    STATUS_HISTORY: {"before": STATUS, "after": STATUS, "reason": text, "at": a_time},
}


def wrong_member(shape: Shape, values: Mapping[str, Any]) -> str:
    """The first member that is missing or is not what it may be. Empty if there is none."""
    return next((name for name, check in shape.items() if name not in values or not check(values[name])), "")


def shape_of(name: str, *, endpoint_settings: bool) -> Shape:
    """The members of a line of the file `name`. `endpoint_settings`: what the manifest says."""
    if is_index(name):
        return MAIL
    return {**SHAPES[name], **SETTINGS} if name == ENDPOINTS and endpoint_settings else SHAPES[name]


def known(shape: Shape, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the shape has of these values. Others have not been looked at, and may be large."""
    return {name: values[name] for name in shape if name in values}


def check(shape: Shape, values: Mapping[str, Any], name: str) -> None:
    """Raise Refused unless these values of the file `name` have the shape."""
    if member := wrong_member(shape, values):
        raise damaged(name, f"has no {member} that can be read")
