"""Starting and stopping the emulator, and the address it listens on."""

from __future__ import annotations

import smtplib
import socket
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client, control


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])  # noqa: S104
def test_it_listens_on_loopback_only(host: str) -> None:
    """The emulator's own: it takes any credentials, so no other machine may reach it."""
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host)


def test_it_listens_elsewhere_if_it_is_told_to() -> None:
    """The emulator's own: in a network of containers, the others must reach it."""
    emulator = Emulator(host="0.0.0.0", any_host=True, smtp_port=0)  # noqa: S104
    emulator.start()
    try:
        assert emulator.url.startswith("http://0.0.0.0:")
        assert emulator.smtp_address.startswith("0.0.0.0:")
    finally:
        emulator.stop()


def test_it_can_be_stopped_and_started_again() -> None:
    """The emulator's own: the port is free again, and it may be stopped twice."""
    emulator = Emulator(host="localhost")
    emulator.start()
    url = emulator.url
    emulator.stop()
    emulator.stop()
    with pytest.raises(ConnectionRefusedError):
        control(url, "GET", "/_health")
    emulator.start()
    assert control(emulator.url, "GET", "/_health")[0] == 200
    emulator.stop()


def test_a_connection_serves_many_calls(emulator: Emulator) -> None:
    """As AWS's servers do: HTTP/1.1 with persistent connections, even after a large body."""
    connection = HTTPConnection(urlsplit(emulator.url).netloc, timeout=30)
    with closing(connection):
        connection.connect()
        opened = connection.sock
        for body in (b"", b"x" * 100_000, b""):
            connection.request("PUT", "/_health", body=body)
            connection.getresponse().read()
        assert connection.sock is opened


def test_stopping_it_closes_the_connections_of_its_clients() -> None:
    """The emulator's own: otherwise a stopped emulator would go on serving clients that keep a connection."""
    emulator = Emulator()
    emulator.start()
    ses = client("ses", emulator.url)
    ses.list_receipt_rule_sets()
    emulator.stop()
    with pytest.raises(EndpointConnectionError):
        ses.list_receipt_rule_sets()


def test_stopping_it_closes_smtp_connections() -> None:
    """The emulator's own: with and without a command under way."""
    emulator = Emulator(smtp_port=0)
    emulator.start()
    host, _, port = emulator.smtp_address.partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as idle, smtplib.SMTP(host, int(port)) as busy:
        assert idle.recv(1000).startswith(b"220 ")
        busy.ehlo()
        emulator.stop()
        assert (idle.recv(1000), emulator.smtp_address) == (b"", "")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            busy.noop()
    emulator.start()
    assert emulator.smtp_address
    emulator.stop()


def test_a_port_in_use_raises_an_error_instead_of_exiting(running_emulator: Any) -> None:
    """The emulator's own: werkzeug would exit."""
    port = int(running_emulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port).start()
