"""Somebody who sends mail as example.com."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client

RAW = (
    b"From: Jo via example.com <hello@example.com>\r\nTo: hello@example.com\r\nSubject: Plan\r\n"
    b"Message-ID: <mine@example.net>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nX-Trace: 1\r\nX-Trace: 2\r\n"
    b"X-SES-MESSAGE-TAGS: a=b\r\nBcc: hidden@example.net\r\n\r\nSee you at nine.\r\n\xff\r\n"
)


@dataclass(frozen=True)
class Sender:
    emulator: Emulator
    sesv2: Any

    def send(self, *recipients: str, raw: bytes = RAW, **parameters: Any) -> str:
        answer = self.sesv2.send_email(
            FromEmailAddress="hello@example.com",
            Destination={"ToAddresses": list(recipients or ["you@example.net"])},
            Content={"Raw": {"Data": raw}},
            **parameters,
        )
        return str(answer["MessageId"])

    def raw(self, message_id: str) -> bytes:
        with urllib.request.urlopen(f"{self.emulator.url}/_outbox/{message_id}", timeout=30) as answer:
            content: bytes = answer.read()
        return content


@pytest.fixture
def sender(emulator: Emulator, sesv2: Any) -> Sender:
    sesv2.create_email_identity(EmailIdentity="example.com")
    return Sender(emulator, client("sesv2", emulator.url))
