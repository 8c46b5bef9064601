"""A mail as it reaches SES: envelope, bytes and verdicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_FOLDED = re.compile(r"\r?\n[ \t]+")
# SES cuts the headers of a notification at 10 kB (docs/architecture/ses.md, "Notifications").
MAX_HEADERS = 10_000


@dataclass(frozen=True)
class Verdicts:
    """SES's words: PASS, FAIL, GRAY, PROCESSING_FAILED or, for `dmarc_policy`, none, quarantine and reject."""

    spam: str = "PASS"
    virus: str = "PASS"
    spf: str = "PASS"
    dkim: str = "PASS"
    dmarc: str = "PASS"
    dmarc_policy: str = "none"


@dataclass(frozen=True)
class Client:
    """Who has delivered the mail."""

    helo: str = "localhost"
    address: str = "127.0.0.1"


LOCALHOST = Client()


@dataclass(frozen=True)
class IncomingMail:
    """A mail that SES has accepted. `recipients`: those of the envelope that SES accepted."""

    ses_id: str
    region: str
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    received: datetime
    verdicts: Verdicts
    client: Client


def header_fields(raw: bytes, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """Names and unfolded values of the header, in order. `limit`: of the first so many bytes.

    Lines without a name are left out, and bytes that are not UTF-8 replaced.
    """
    head = raw[:limit].decode("utf-8", "replace")
    head = re.split(r"\r?\n\r?\n", head, maxsplit=1)[0]
    for line in re.split(r"\r?\n(?![ \t])", head):
        found = _FIELD.match(line)
        if found:
            yield found[1], _FOLDED.sub(" ", found[2]).strip()
