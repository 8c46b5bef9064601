"""Composed forwards for tests, and what holds for each."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mail.forwarding.header import ABOUT, CONTENT, WRITTEN, Written
from mail.forwarding.mails import forward, read_original

WRITTEN_BY_US = Written(
    delivery="delivery-id",
    sender="hello@example.com",
    sender_name="Jo via example.com",
    recipient="hello@example.com",
    reply_to=[("Jo", "jo@example.net")],
    trace="1784102400.q3Zt8w5K.0123456789012345678901",
)
BLOCK = (
    b"Return-Path: <jo@example.net>\r\nReceived: from mail.example.net by inbound-smtp.eu-west-1.amazonaws.com with SMTP id"
    b" one for hello@example.com; Fri, 27 Nov 2026 10:00:00 +0000 (UTC)\r\nX-SES-Spam-Verdict: PASS\r\n"
    b"X-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt\r\n"
)
ALLOWED = {name.lower() for name in (*WRITTEN, *CONTENT, *ABOUT)}

_FIELD = re.compile(rb"([!-9;-~]+): [^\r\n]*[!-~]")
_FOLDED = re.compile(rb"[ \t][^\r\n]*[!-~][^\r\n]*")


def composed(raw: bytes, *, with_attachments: bool = True, **changes: Any) -> bytes:
    """The forward of a mail as SES has stored it."""
    values = {name: changes.get(name, getattr(WRITTEN_BY_US, name)) for name in Written.__slots__}
    return forward(read_original(raw), Written(**values), with_attachments=with_attachments)


def parts(mail: bytes) -> tuple[dict[str, bytes], bytes]:
    """Fields and body of a forward, which is checked: one block of ASCII fields of the list, each at most once."""
    block, blank, body = mail.partition(b"\r\n\r\n")
    assert blank
    assert block.isascii()
    fields: dict[str, bytes] = {}
    name = ""
    for line in block.split(b"\r\n"):
        assert len(line) <= 998
        if found := _FIELD.fullmatch(line):
            name = found[1].decode().lower()
            assert name in ALLOWED
            assert name not in fields
            fields[name] = line.partition(b": ")[2]
        else:
            assert name
            assert _FOLDED.fullmatch(line)
            fields[name] += b"\r\n" + line
    return fields, body


@cache
def _key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def body_hash(mail: bytes) -> bytes:
    """`bh` of the signature that dkimpy makes, which covers every byte of the body."""
    signature = dkim.sign(
        mail, b"s", b"example.net", _key(), canonicalize=(b"simple", b"simple"), include_headers=[b"from"]
    )
    return bytes(re.search(rb"bh=([^;]+);", re.sub(rb"\s", b"", signature))[1])  # type: ignore[index]
