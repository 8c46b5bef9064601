"""Compose a test mail."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime, make_msgid, parseaddr
from pathlib import Path

DOMAIN = "test.invalid"
# Headers that make the emulator's verdict FAIL.
SPAM = "X-Emulate-Spam"
VIRUS = "X-Emulate-Virus"


class CannotCompose(Exception):
    """The text says what is wrong with a file or an address."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a test mail says. `raw`: a complete mail, which is sent as it is. `attachments`: names and contents."""

    sender: str
    recipients: Sequence[str]
    subject: str = "Test mail"
    text: str = ""
    html: str = ""
    attachments: Sequence[tuple[str, bytes]] = ()
    verdicts: Sequence[str] = ()
    raw: bytes | None = None

    @property
    def envelope_from(self) -> str:
        return parseaddr(self.sender)[1]

    def compose(self, number: int = 1, count: int = 1) -> tuple[str, bytes]:
        """Message-ID and mail, which is the `number`-th of `count`. Raises CannotCompose."""
        if self.raw is not None:
            return "", b"".join(f"{name}: FAIL\r\n".encode() for name in self.verdicts) + self.raw
        mail = EmailMessage(policy=SMTP)
        rfc_id = make_msgid(domain=DOMAIN)
        try:
            mail["From"] = _header_address(self.sender)
            mail["To"] = [_header_address(address) for address in self.recipients]
            mail["Subject"] = f"{self.subject} {number} of {count}" if count > 1 else self.subject
        except ValueError as error:
            raise CannotCompose(f"This cannot be written into a header: {error}.") from error
        mail["Date"] = localtime()
        mail["Message-ID"] = rfc_id
        for name in self.verdicts:
            mail[name] = "FAIL"
        if self.text or not self.html:
            mail.set_content(self.text or "This is a test mail.")
        if self.html and self.text:
            mail.add_alternative(self.html, subtype="html")
        elif self.html:
            mail.set_content(self.html, subtype="html")
        for name, content in self.attachments:
            main, _, sub = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
            mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
        return rfc_id, mail.as_bytes()


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises CannotCompose."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotCompose(f"{path} cannot be read: {error.strerror}.") from error


def with_line_ends(raw: bytes) -> bytes:
    """The mail with the line ends of SMTP, CR and LF."""
    lines = re.sub(rb"\r\n|\n|\r", b"\r\n", raw)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _header_address(text: str) -> Address:
    name, address = parseaddr(text)
    return Address(name, addr_spec=address or f"nobody@{DOMAIN}")
