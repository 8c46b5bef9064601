"""The mails that SES has accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ses_integration.emulator.control.recent import Recent
from ses_integration.emulator.receiving.content.mail import header_fields
from ses_integration.emulator.state.accounts import SesRegion

MOST, MOST_BYTES = 20_000, 256 * 1024 * 1024


@dataclass(frozen=True)
class SentMail:
    """`sender`: of the envelope as the caller gave it, `feedback_to` where SES mails bounces to. `raw`: as SES sends it."""

    ses_id: str
    region: SesRegion = field(repr=False)
    sender: str
    recipients: tuple[str, ...]
    feedback_to: str
    configuration_set: str
    tags: dict[str, str]
    at: datetime
    raw: bytes = field(repr=False)

    def headers(self) -> list[tuple[str, str]]:
        return list(header_fields(self.raw))

    def as_dict(self) -> dict[str, Any]:
        """The mail in the format of `GET /_outbox`. Of a field that comes twice, the last."""
        headers = {name.lower(): value for name, value in self.headers()}
        return {
            "id": self.ses_id,
            "region": self.region.region,
            "from": self.sender,
            "to": list(self.recipients),
            "subject": headers.get("subject", ""),
            "headers": headers,
            "size": len(self.raw),
            "configurationSet": self.configuration_set,
            "tags": self.tags,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


class Outbox:
    """The last mails, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._mails: Recent[SentMail] = Recent(MOST, MOST_BYTES)

    def add(self, mail: SentMail) -> None:
        self._mails.add(mail, len(mail.raw))

    def mails(self) -> list[SentMail]:
        return self._mails.items()

    def find(self, ses_id: str) -> SentMail | None:
        return next((mail for mail in reversed(self.mails()) if mail.ses_id == ses_id), None)

    def clear(self) -> None:
        self._mails.clear()
