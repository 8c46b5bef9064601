"""Signatures of messages, and the certificate that verifies them (SNS Developer Guide, "Verifying the signatures")."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def signature(message: Mapping[str, str], version: str) -> str:
    """The signature in base64. `version`: 1 (SHA-1) or 2 (SHA-256)."""
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - SNS signs with SHA-1 by default
    signed = _key().sign(canonical_text(message).encode(), padding.PKCS1v15(), digest)
    return base64.b64encode(signed).decode()


def canonical_text(message: Mapping[str, str]) -> str:
    """The text that is signed. A notification without a subject has no line for it."""
    names = _NOTIFICATION if message["Type"] == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message)


@cache
def certificate() -> bytes:
    """The certificate as PEM, the same for the whole process."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
    )
    return built.sign(_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@cache
def certificate_path() -> str:
    """Where SNS serves the certificate."""
    return f"/SimpleNotificationService-{hashlib.md5(certificate(), usedforsecurity=False).hexdigest()}.pem"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
