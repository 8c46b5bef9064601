"""The signature of a message that SNS posts (docs/architecture/ses.md, "Messages of SNS over HTTPS")."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate

_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# What is signed, by type and in this order. A notification may lack a subject.
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
# By SignatureVersion. A topic has version 1 unless it was set to 2.
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303


class Forged(Exception):
    """The message is not one that SNS has posted for our topic."""


def verify(message: Mapping[str, str], certificate: Certificate) -> None:
    """Raise Forged unless the owner of the certificate has signed the message, and the certificate is valid now."""
    algorithm = _HASHES.get(message.get("SignatureVersion", ""))
    if algorithm is None:
        raise Forged("The signature has an unknown version.")
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        raise Forged("The certificate is not valid now.")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise Forged("The certificate has no RSA key.")
    try:
        signature = base64.b64decode(message.get("Signature", ""), validate=True)
        key.verify(signature, signed_text(message), PKCS1v15(), algorithm)
    except (binascii.Error, ValueError, InvalidSignature):
        raise Forged("The signature does not fit the message.") from None


def signed_text(message: Mapping[str, str]) -> bytes:
    """What SNS signs: names and values, each on a line. Raises Forged without one of them."""
    names = _SIGNED.get(message.get("Type", ""))
    if names is None:
        raise Forged("The message has an unknown type.")
    missing = [name for name in names if name not in message and name != "Subject"]
    if missing:
        raise Forged(f"The message has no {missing[0]}.")
    try:
        return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()
    except UnicodeEncodeError:
        raise Forged("The message is not text.") from None
