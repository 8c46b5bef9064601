"""Requests over TLS: to a checked address, with the name and the certificate of the URL's host."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from endpoints.tests.webhooks.receiver import Receiver, answer, hang
from endpoints.webhooks.post import _trusted, post

pytestmark = pytest.mark.sqlite_only

HOST = "hooks.example.com"
OK = [answer("200 OK")]


class Authority:
    """A certificate authority, which `certificate` can be signed by."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self._sign(self.name, self.key, constraints)

    def issue(self, host: str, folder: Path, *, days: int = 30) -> ssl.SSLContext:
        """A server's context with a certificate for the host, which is valid for so many days; negative: until then."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
        certificate = self._sign(subject, key, x509.SubjectAlternativeName([name]), days=days)
        file = folder / f"{len(list(folder.iterdir()))}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        *,
        days: int = 30,
    ) -> x509.Certificate:
        end = datetime.now(UTC) + timedelta(days=days)
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(end - timedelta(days=60)).not_valid_after(end)
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        own, issuer = x509.SubjectKeyIdentifier.from_public_key, x509.AuthorityKeyIdentifier.from_issuer_public_key
        builder = builder.add_extension(own(key.public_key()), critical=False)
        builder = builder.add_extension(issuer(self.key.public_key()), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """The only authority that the system trusts."""
    authority = Authority("Trusted")
    store = tmp_path / "trusted.pem"
    store.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    _trusted.cache_clear()
    yield authority
    _trusted.cache_clear()


@pytest.fixture(autouse=True)
def published(dns):
    dns.publish(HOST, "A", "127.0.0.1")


def url(receiver: Receiver, host: str = HOST) -> str:
    return f"https://{host}:{receiver.port}/in"


def test_name_and_certificate_are_those_of_the_urls_host(receive, trusted, tmp_path):
    receiver = receive(OK, tls=trusted.issue(HOST, tmp_path))
    result = post(url(receiver), b"{}", {}, seconds=5)
    assert (result.status, result.error) == (200, "")
    assert receiver.server_names == [HOST]
    assert f"Host: {HOST}:{receiver.port}".encode() in receiver.requests[0]


def test_an_address_in_the_url_is_compared_with_the_addresses_of_the_certificate(receive, trusted, tmp_path):
    receiver = receive(OK, tls=trusted.issue("127.0.0.1", tmp_path))
    assert post(url(receiver, "127.0.0.1"), b"{}", {}, seconds=5).status == 200
    assert post(url(receiver), b"{}", {}, seconds=5).status is None


@pytest.mark.parametrize(
    ("host", "days", "why"),
    [
        ("other.example.com", 30, f"Hostname mismatch, certificate is not valid for '{HOST}'"),
        (HOST, -1, "certificate has expired"),
        ("127.0.0.1", 30, f"Hostname mismatch, certificate is not valid for '{HOST}'"),
    ],
)
def test_a_wrong_certificate_gets_nothing_of_the_request(receive, trusted, tmp_path, host, days, why):
    receiver = receive(OK, tls=trusted.issue(host, tmp_path, days=days))
    result = post(url(receiver), b"{}", {}, seconds=5)
    assert (result.status, result.error) == (
        None,
        f"The certificate of {HOST}:{receiver.port} is not valid: {why}.",
    )
    receiver.stop()
    assert b"".join(receiver.requests) == b""


def test_a_certificate_of_another_authority_is_refused(receive, trusted, tmp_path):
    receiver = receive(OK, tls=Authority("Other").issue(HOST, tmp_path))
    result = post(url(receiver), b"{}", {}, seconds=5)
    assert "is not valid: unable to get local issuer certificate." in result.error


def test_a_receiver_without_tls_has_a_sentence(receive, trusted, monkeypatch):
    monkeypatch.setattr("endpoints.tests.webhooks.receiver._request", lambda connected: connected.recv(1))
    receiver = receive([b"HTTP/1.1 400 Bad Request\r\n\r\n"])
    result = post(url(receiver), b"{}", {}, seconds=5)
    assert result.status is None
    assert result.error.startswith(f"No secure connection with {HOST}:{receiver.port}: ")


def test_a_handshake_that_never_ends_is_given_up(receive, trusted):
    result = post(url(receive([hang])), b"{}", {}, seconds=0.5)
    assert (result.status, "did not answer within 0.5 s" in result.error) == (None, True)
    assert result.seconds < 2


def test_the_deadline_holds_over_tls_too(receive, trusted, tmp_path):
    receiver = receive([b"HTTP/1.1 200 OK\r\nX: ", hang], tls=trusted.issue(HOST, tmp_path))
    result = post(url(receiver), b"{}", {}, seconds=0.5)
    assert (result.status, result.error) == (None, f"{HOST}:{receiver.port} did not answer within 0.5 s.")
