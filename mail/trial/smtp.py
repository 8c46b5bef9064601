"""Hand mail to an SMTP server, and keep its words."""

from __future__ import annotations

import ipaddress
import re
import smtplib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

TIMEOUT_SECONDS = 60
# What SES and the emulator answer: "250 Ok" and the id.
SES_ID = re.compile(r"ok\s+([a-z0-9._-]+)", re.IGNORECASE)


class SmtpFailed(Exception):
    """There is no server, it does not answer as a mail server does, or it refuses. The text has its words."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that the server has accepted. `at`: when it said so, as `time.monotonic()`. `ses_id` is empty if it named none."""

    ses_id: str
    rfc_id: str
    recipients: tuple[str, ...]
    size: int
    at: float
    answer: str


class SmtpServer:
    """A connection, closed at the end of the `with` block."""

    def __init__(self, host: str, port: int) -> None:
        self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._smtp = smtplib.SMTP(host, port, local_hostname="localhost", timeout=TIMEOUT_SECONDS)
            self._smtp.ehlo_or_helo_if_needed()
        except smtplib.SMTPResponseException as error:
            raise SmtpFailed(
                f"{self.name} refused the connection: {_words(error.smtp_code, error.smtp_error)}"
            ) from error
        except smtplib.SMTPException as error:
            raise SmtpFailed(f"{self.name} does not answer as a mail server does: {error}.") from error
        except OSError as error:
            raise SmtpFailed(f"No mail server listens on {self.name}: {error.strerror or error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._smtp.quit()
        except (smtplib.SMTPException, OSError):
            self._smtp.close()

    def send(self, sender: str, recipients: Sequence[str], rfc_id: str, mail: bytes) -> Accepted:
        """Send one mail. Raises SmtpFailed if the server refuses it, or one of its recipients."""
        try:
            self._check(*self._smtp.mail(sender, self._options(mail, sender, *recipients)))
            for recipient in recipients:
                self._check(*self._smtp.rcpt(recipient), about=recipient)
            code, words = self._smtp.data(mail)
            at = time.monotonic()
        except smtplib.SMTPDataError as error:
            raise SmtpFailed(_words(error.smtp_code, error.smtp_error)) from error
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise SmtpFailed(f"{self.name} ended the connection: {error}.") from error
        self._check(code, words)
        found = SES_ID.search(words.decode(errors="replace"))
        return Accepted(found[1] if found else "", rfc_id, tuple(recipients), len(mail), at, _words(code, words))

    def _check(self, code: int, words: bytes, about: str = "") -> None:
        if code >= 300:
            said = _words(code, words)
            raise SmtpFailed(f"{said} ({about})" if about not in said else said)

    def _options(self, mail: bytes, *addresses: str) -> list[str]:
        options = []
        if self._smtp.has_extn("size"):
            options.append(f"SIZE={len(mail)}")
        if not mail.isascii() and self._smtp.has_extn("8bitmime"):
            options.append("BODY=8BITMIME")
        if not all(address.isascii() for address in addresses) and self._smtp.has_extn("smtputf8"):
            self._smtp.command_encoding = "utf-8"
            options.append("SMTPUTF8")
        return options


def is_this_machine(host: str) -> bool:
    """Whether all addresses of the host are on the loopback interface. Raises SmtpFailed if it has none."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise SmtpFailed(f"{host} has no address.") from error
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def _words(code: int, words: bytes | str) -> str:
    """`550 5.1.1 Requested action not taken`, on one line."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())}".strip()
