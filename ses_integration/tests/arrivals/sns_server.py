"""An SNS on loopback that signs as the real one does, with any certificate, and that serves what a test puts there."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ses_integration.arrivals.signature import Forged, signed_text
from ses_integration.arrivals.topic import receive_post
from ses_integration.tests.arrivals.samples import TOPIC

PEM = "/SimpleNotificationService-0123456789abcdef.pem"
CONFIRMED = (
    '<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ConfirmSubscriptionResult>'
    f"<SubscriptionArn>{TOPIC}:1</SubscriptionArn></ConfirmSubscriptionResult>"
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ConfirmSubscriptionResponse>"
)


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Any, days: tuple[float, float] = (-1, 1)) -> bytes:
    """A certificate that is valid from and to these days from now."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begin, end = (datetime.now(UTC) + timedelta(days=day) for day in days)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = builder.serial_number(1).not_valid_before(begin).not_valid_after(end).sign(key, hashes.SHA256())
    return built.public_bytes(Encoding.PEM)


@dataclass
class Sns:
    """`files`: status and body by path. `asked`: paths that were asked for. `calls`: AWS calls, as forms."""

    url: str
    files: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    calls: list[dict[str, list[str]]] = field(default_factory=list)

    def notification(self, message: object, **changes: Any) -> dict[str, Any]:
        text = message if isinstance(message, str) else json.dumps(message)
        subject = "Amazon SES Email Receipt Notification"
        return self.signed(**{"Type": "Notification", "Subject": subject, "Message": text} | changes)

    def confirmation(self, **changes: Any) -> dict[str, Any]:
        url = f"{self.url}/?Action=ConfirmSubscription&Token=a-token"
        values = {"Type": "SubscriptionConfirmation", "Token": "a-token", "SubscribeURL": url, "Message": "You have…"}
        return self.signed(**values | changes)

    def signed(self, version: str = "2", key: str = "sns", path: str = PEM, **values: Any) -> dict[str, Any]:
        """A message with a valid signature. None removes a member before it is signed."""
        message = {
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": version,
            "SigningCertURL": f"{self.url}{path}",
            "UnsubscribeURL": f"{self.url}/?Action=Unsubscribe",
            **values,
        }
        message = {name: value for name, value in message.items() if value is not None}
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303
        signature = private_key(key).sign(signed_text(message), padding.PKCS1v15(), algorithm)
        return {**message, "Signature": base64.b64encode(signature).decode()}


@contextmanager
def serving() -> Iterator[Sns]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sns.asked.append(self.path)
            self._answer(*sns.files.get(self.path, (404, b"")))

        def do_POST(self) -> None:
            sns.calls.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self._answer(200, CONFIRMED.encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("x-amzn-RequestId", "1")
            if 300 <= status < 400:
                self.send_header("Location", f"{sns.url}{PEM}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sns = Sns(f"http://127.0.0.1:{server.server_port}", {PEM: (200, pem(private_key("sns")))})
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield sns
    server.shutdown()
    thread.join()
    server.server_close()


def post(message: Any) -> Any:
    return receive_post(message if isinstance(message, bytes) else json.dumps(message).encode())


def assert_forged(message: Any, why: str | None = None) -> None:
    with pytest.raises(Forged, match=why):
        post(message)


def arrived(message: Any) -> str:
    """The SES id of the mail that the message tells of."""
    arrival = post(message)
    assert arrival is not None
    return str(arrival.ses_id)
