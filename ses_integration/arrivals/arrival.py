"""A stored mail that SES has told of, or that a sweep has found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Verdicts:
    """SES's words in upper case: PASS, FAIL, GRAY, PROCESSING_FAILED. Empty if SES said nothing."""

    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    dmarc_policy: str = ""
    spam: str = ""
    virus: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A stored mail. The key is `emails/<domain name>/<domain id>/<SES message id>`.

    `recipients`: envelope recipients in lower case; only a sweep may know none. `arrived_at`: when SES received it. `subject`
    and `sender`: for a list, until the mail has been parsed; may be empty. `size`: bytes of the object, if known.
    """

    bucket: str
    key: str
    domain_name: str
    domain_id: str
    ses_id: str
    recipients: tuple[str, ...]
    arrived_at: datetime
    envelope_from: str = ""
    verdicts: Verdicts = Verdicts()
    subject: str = ""
    sender: str = ""
    message_id: str = ""
    size: int | None = None
