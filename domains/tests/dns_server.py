"""A DNS server on loopback that serves what a test publishes, over UDP and TCP; the fixture is `dns`.

    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com")
    dns.publish("example.com", "TXT", "v=spf1 -all", ("one string of ", "two parts"))
    dns.load("@ MX 10 mx.example.net.", "example.com")
    dns.answers("example.com", "SERVFAIL")

It answers as a resolver does: it follows CNAMEs, says NXDOMAIN to what nobody published, and cuts UDP answers that are too large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from domains.dns.records import Record
from ses_integration.emulator.dns.server import DnsServer
from ses_integration.emulator.dns.zone import Zone

# Changes an answer before it is sent: to another one, to raw bytes, or to None for silence.
Distortion = Callable[[dns.message.Message], dns.message.Message | bytes | None]
# Stands for every name.
EVERYTHING = "."


class PublishedDns(Zone):
    """A zone on a server, and the failures of it."""

    def __init__(self) -> None:
        super().__init__()
        # What was asked, as (name, type, "UDP" or "TCP"), in lower case.
        self.asked: list[tuple[str, str, str]] = []
        self._distortions: dict[dns.name.Name, Distortion] = {}
        self._silent_over_tcp = False
        self._server = DnsServer(self._respond)

    @property
    def address(self) -> str:
        """For DNS_RESOLVERS."""
        return self._server.address

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def publish_records(self, records: Iterable[Record]) -> None:
        """Publish exactly what an owner has to publish."""
        for record in records:
            self.publish(record.name, record.type, record.value)

    def answers(self, name: str, rcode: str) -> None:
        """Answer only with a response code, such as SERVFAIL or REFUSED."""
        self.distorts(name, lambda response: failed(response, rcode))

    def silent(self, name: str = EVERYTHING) -> None:
        self.distorts(name, lambda _: None)

    def distorts(self, name: str, distortion: Distortion) -> None:
        """Change answers with a function, which is called in a thread for each question."""
        self._distortions[dns.name.from_text(name)] = distortion

    def without_tcp(self, *, silent: bool) -> None:
        """Close connections without an answer (`silent`), or refuse them."""
        self._silent_over_tcp = silent
        if not silent:
            self._server.stop_tcp()

    def _respond(self, query: dns.message.Message, over: str) -> dns.message.Message | bytes | None:
        if over == "TCP" and self._silent_over_tcp:
            return None
        name, kind = query.question[0].name, query.question[0].rdtype
        self.asked.append((name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(kind), over))
        response = self.answer(query)
        distortion = self._distortions.get(name) or self._distortions.get(dns.name.root)
        return distortion(response) if distortion else response


def failed(response: dns.message.Message, rcode: str) -> dns.message.Message:
    """The response with nothing but a response code."""
    response.set_rcode(dns.rcode.from_text(rcode))
    response.answer = []
    return response


@pytest.fixture(name="dns")
def dns_fixture(settings: Any) -> Iterator[PublishedDns]:
    """The resolver that the code under test asks; nothing is published yet.

    Each test has its own: questions of an earlier test, sent when its time was over, would reach a shared one.
    """
    server = PublishedDns()
    server.start()
    settings.DNS_RESOLVERS = [server.address]
    yield server
    server.stop()
