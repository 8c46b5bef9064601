"""The header fields that SES puts on top of a stored mail, in the order of real mails. Pure."""

from __future__ import annotations

import base64
import hashlib
from email.utils import format_datetime

from ses_integration.emulator.receiving.content.mail import IncomingMail

Fields = list[tuple[str, str]]


def ses_fields(mail: IncomingMail, recipient: str, *, scanned: bool) -> Fields:
    """Names and values. A line break in a value is a fold. `recipient`: the one that `Received` names.

    SES names one recipient. The emulator names the first that the rule matches, even if there are more.
    """
    host = f"{mail.client.helo} ({mail.client.helo} [{mail.client.address}])"
    date = format_datetime(mail.received).replace("+0000", "+0000 (UTC)")
    received = (
        f"from {host}\r\n by inbound-smtp.{mail.region}.amazonaws.com with SMTP id {mail.ses_id}"
        f"\r\n for {recipient};\r\n {date}"
    )
    verdicts = mail.verdicts
    scan = [("X-SES-Spam-Verdict", verdicts.spam), ("X-SES-Virus-Verdict", verdicts.virus)] if scanned else []
    domain = mail.sender.rpartition("@")[2]
    origin = f"client-ip={mail.client.address}; envelope-from={mail.sender}; helo={mail.client.helo};"
    spf = f"{_result(verdicts.spf)} (spfCheck: domain of {domain or mail.client.helo}) {origin}"
    results = (
        f"amazonses.com;\r\n spf={spf}\r\n dkim={_result(verdicts.dkim)} header.i=@{domain};"
        f"\r\n dmarc={_result(verdicts.dmarc)} header.from={domain};"
    )
    receipt = base64.b64encode(b"AEFBQUFBQUFBQUF" + hashlib.sha512(mail.ses_id.encode()).digest()).decode()
    signature = (
        f"a=rsa-sha256; q=dns/txt; b={_digest(mail.ses_id)}; c=relaxed/simple; s=emulated; d=amazonses.com;"
        f" t={int(mail.received.timestamp())}; v=1; bh={_digest(receipt)};"
        " h=From:To:Cc:Bcc:Subject:Date:Message-ID:MIME-Version:Content-Type:X-SES-RECEIPT;"
    )
    return [
        ("Return-Path", f"<{mail.sender}>"),
        ("Received", received),
        *scan,
        ("Received-SPF", spf),
        ("Authentication-Results", results),
        ("X-SES-RECEIPT", receipt),
        ("X-SES-DKIM-SIGNATURE", signature),
    ]


def as_bytes(fields: Fields) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8", "surrogateescape")


def _result(verdict: str) -> str:
    """The word of RFC 8601 for a verdict of SES."""
    return {"PASS": "pass", "FAIL": "fail", "GRAY": "none"}.get(verdict, "temperror")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
