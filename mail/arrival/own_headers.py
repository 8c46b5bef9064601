"""What SES itself wrote on top of a mail, where its sender cannot write: recipient, verdicts, time. Pure.

SES's fields have a fixed order and end with X-SES-DKIM-SIGNATURE. Senders may put fields of the same names below, so only
those are believed that are above it and in order (docs/architecture/mail.md, "Sweep").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ses_integration.api import Verdicts

# How much of the object to look at. SES's own fields take about 2 kB.
HEAD_BYTES = 32 * 1024

_ORDER = (
    "return-path", "received", "x-ses-spam-verdict", "x-ses-virus-verdict", "received-spf", "authentication-results",
    "x-ses-receipt", "x-ses-dkim-signature",
)  # fmt: skip
# The client chooses what is before `by`, so the last match counts.
_RECEIVED = re.compile(
    r".*\bby inbound-smtp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)? with E?SMTPS? id (?P<id>\S+)"
    r"(?: for <?(?P<recipient>[^\s<>;]+)>?)?\s*;\s*(?P<date>.*)",
    re.DOTALL,
)
_FOLD = re.compile(r"\r?\n[ \t]+")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
# What looks like one, also in a name or a comment. `email.utils` fails for hostile lists.
_ADDRESS = re.compile(r"[^\s<>()\"',;:@]{1,64}@[^\s<>()\"',;:@]{1,255}")
_WORDS = {"PASS", "FAIL", "GRAY", "PROCESSING_FAILED"}
# RFC 8601's results as SES's notifications call them.
_RESULTS = {
    "pass": "PASS", "fail": "FAIL", "hardfail": "FAIL", "permerror": "FAIL", "policy": "GRAY", "softfail": "GRAY",
    "neutral": "GRAY", "none": "GRAY", "temperror": "PROCESSING_FAILED",
}  # fmt: skip
# A sender chooses what is in quotes, and what a comment quotes.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')


@dataclass(frozen=True, slots=True)
class OwnHeaders:
    """`recipient`: the one envelope recipient that SES names, in lower case; empty if it names none. `arrived_at`: its time."""

    recipient: str = ""
    envelope_from: str = ""
    arrived_at: datetime | None = None
    verdicts: Verdicts = field(default_factory=Verdicts)


@dataclass(frozen=True, slots=True)
class Addressed:
    """What a sender wrote. `addresses`: of To and Cc, in lower case."""

    addresses: frozenset[str] = frozenset()
    subject: str = ""
    sender: str = ""
    message_id: str = ""


def own_headers(head: bytes, ses_id: str) -> OwnHeaders:
    """What SES says in the first bytes of an object, if it says it of this message. Otherwise nothing."""
    fields: dict[str, str] = {}
    position = -1
    for name, value in _fields(head):
        if name not in _ORDER[position + 1 :]:
            break
        position = _ORDER.index(name)
        fields[name] = value
    received = _RECEIVED.fullmatch(fields.get("received", ""))
    if received is None or received["id"] != ses_id:
        return OwnHeaders()
    if _ORDER[-1] not in fields:
        # Where SES ended and the sender began is not known. These two are always the first.
        fields = {name: fields.get(name, "") for name in _ORDER[:2]}
    return OwnHeaders(
        recipient=(received["recipient"] or "").lower(),
        envelope_from=fields.get("return-path", "").strip("<>"),
        arrived_at=_time(received["date"]),
        verdicts=_verdicts(fields),
    )


def addressed(head: bytes) -> Addressed:
    """Whom a sender addressed, and what lists show, from the fields of the mail itself. For a list, until it is parsed."""
    first: dict[str, str] = {}
    to: list[str] = []
    for name, value in _fields(head):
        if name in ("to", "cc"):
            to.append(value[:8192])
        first.setdefault(name, value)
    found = {address.lower() for value in to[:20] for address in _ADDRESS.findall(value)}
    return Addressed(
        frozenset(found),
        subject="" if "=?" in first.get("subject", "") else first.get("subject", ""),
        sender="" if "=?" in first.get("from", "") else first.get("from", ""),
        message_id=first.get("message-id", ""),
    )


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    """Names in lower case and unfolded values, until the header or what we have of it ends."""
    header = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    for line in re.split(rb"\r?\n(?![ \t])", header):
        found = _FIELD.fullmatch(line)
        if found:
            value = _FOLD.sub(" ", found[2].decode("utf-8", "replace"))
            yield found[1].decode().lower(), value.strip()


def _verdicts(fields: dict[str, str]) -> Verdicts:
    results = _results(fields.get("authentication-results", ""))
    return Verdicts(
        spf=results.get("spf", ""),
        dkim=results.get("dkim", ""),
        dmarc=results.get("dmarc", ""),
        spam=_word(fields.get("x-ses-spam-verdict", "")),
        virus=_word(fields.get("x-ses-virus-verdict", "")),
    )


def _results(text: str) -> dict[str, str]:
    """The first result of each method."""
    first, *rest = (part.strip() for part in _QUOTED.sub(" ", text).split(";"))
    found: dict[str, str] = {}
    if first != "amazonses.com":
        return found
    for part in rest:
        method, _, result = part.partition("=")
        word = result.split(maxsplit=1)[0].lower() if result.strip() else ""
        if method in ("spf", "dkim", "dmarc") and method not in found:
            found[method] = _RESULTS.get(word, "")
    return found


def _word(text: str) -> str:
    return text.upper() if text.upper() in _WORDS else ""


def _time(text: str) -> datetime | None:
    try:
        time = parsedate_to_datetime(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
