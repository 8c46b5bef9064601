"""Mail to send: ordinary mail of 10 kB, and one as large as SES accepts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

KILOBYTES = 10
LARGE_MEGABYTES = 28  # in base64, and with what SES adds, just below its 40 MB


def ordinary(count: int, recipient: str, subject: str = "Invoice") -> Iterator[bytes]:
    """Mails of 10 kB with text, HTML and a small attachment. Subject and Message-ID begin with `subject`."""
    noise = random.Random(1)  # noqa: S311 - the same mails each time
    for number in range(count):
        yield _mail(f"{subject} {number}", recipient, noise.randbytes(KILOBYTES * 256))


def large(recipient: str) -> bytes:
    return _mail("Large", recipient, random.Random(2).randbytes(LARGE_MEGABYTES * 1024 * 1024))  # noqa: S311


def _mail(subject: str, recipient: str, attachment: bytes) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Jo Müller <jo@example.net>"
    mail["To"] = recipient
    mail["Subject"] = f"{subject} für Sie"
    mail["Message-ID"] = f"<{subject.replace(' ', '-')}@example.net>"
    paragraph = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. "
    mail.set_content(paragraph * 25)
    mail.add_alternative(
        f"<html><body><p>{paragraph * 25}</p><a href='https://example.net'>x</a></body></html>", "html"
    )
    mail.add_attachment(attachment, "application", "octet-stream", filename="data.bin")
    return mail.as_bytes()
