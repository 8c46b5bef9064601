"""A DNS server on loopback that serves what a test publishes, over UDP and TCP; the fixture is `dns`.

    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com")
    dns.publish("example.com", "TXT", "v=spf1 -all", ("one string of ", "two parts"))
    dns.answers("example.com", "SERVFAIL")

It answers as a resolver does: it follows CNAMEs, says NXDOMAIN to what nobody published, and cuts UDP answers that are too large.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdtypes.ANY.TXT import TXT

from domains.dns.records import Record

# Changes an answer before it is sent: to another one, to raw bytes, or to None for silence.
Distortion = Callable[[dns.message.Message], dns.message.Message | bytes | None]
# Stands for every name.
EVERYTHING = "."
LONGEST_CHAIN = 16
PART = 255
SMALLEST_PAYLOAD = 512
# How often a server checks whether it should stop.
POLL_SECONDS = 0.02


class DnsServer:
    def __init__(self) -> None:
        self._udp, self._tcp = _same_port(self)
        self.follows_cnames = True
        # What was asked, as (name, type, "UDP" or "TCP"), in lower case.
        self.asked: list[tuple[str, str, str]] = []
        self._zone: dict[dns.name.Name, dict[dns.rdatatype.RdataType, dns.rrset.RRset]] = {}
        self._distortions: dict[dns.name.Name, Distortion] = {}

    @property
    def address(self) -> str:
        """For DNS_RESOLVERS."""
        return f"127.0.0.1:{self._udp.socket.getsockname()[1]}"

    def start(self) -> None:
        for server in (self._udp, self._tcp):
            threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def stop(self) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def publish(self, name: str, type: str, *values: str | bytes | tuple[str | bytes, ...]) -> None:
        """Replace the records of a name and type. A TXT value is one string, or the parts that it is split into."""
        owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(type)
        rdatas = [_rdata(kind, value) for value in values]
        self._zone.setdefault(owner, {})[kind] = dns.rrset.from_rdata_list(owner, 60, rdatas)

    def publish_records(self, records: Iterable[Record]) -> None:
        """Publish exactly what an owner has to publish."""
        for record in records:
            self.publish(record.name, record.type, record.value)

    def withdraw(self, name: str, type: str = "") -> None:
        """Remove a name's records of that type, or all of them."""
        if type:
            del self._zone[dns.name.from_text(name)][dns.rdatatype.from_text(type)]
        else:
            del self._zone[dns.name.from_text(name)]

    def answers(self, name: str, rcode: str) -> None:
        """Answer only with a response code, such as SERVFAIL or REFUSED."""

        def failed(response: dns.message.Message) -> dns.message.Message:
            response.set_rcode(dns.rcode.from_text(rcode))
            response.answer = []
            return response

        self.distorts(name, failed)

    def silent(self, name: str = EVERYTHING) -> None:
        self.distorts(name, lambda _: None)

    def distorts(self, name: str, distortion: Distortion) -> None:
        """Change answers with a function, which is called in a thread for each question."""
        self._distortions[dns.name.from_text(name)] = distortion

    def reply(self, wire: bytes, over: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        name, kind = query.question[0].name, query.question[0].rdtype
        self.asked.append((name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(kind), over))
        response = dns.message.make_response(query, recursion_available=True)
        self._answer(response, name, kind)
        distortion = self._distortions.get(name) or self._distortions.get(dns.name.root)
        distorted = distortion(response) if distortion else response
        if not isinstance(distorted, dns.message.Message):
            return distorted
        largest = max(query.payload, SMALLEST_PAYLOAD) if over == "UDP" else 65535
        return distorted.to_wire(max_size=largest, prefer_truncation=True)

    def _answer(self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        for _ in range(LONGEST_CHAIN):
            published = self._zone.get(name, {})
            if kind in published:
                response.answer.append(published[kind])
                return
            if dns.rdatatype.CNAME not in published:
                if not any(other.is_subdomain(name) for other in self._zone):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                return
            cname = published[dns.rdatatype.CNAME]
            response.answer.append(cname)
            if not self.follows_cnames:
                return
            name = cname[0].target
        response.set_rcode(dns.rcode.SERVFAIL)


def _rdata(kind: dns.rdatatype.RdataType, value: str | bytes | tuple[str | bytes, ...]) -> dns.rdata.Rdata:
    if kind != dns.rdatatype.TXT:
        # All names are absolute, with or without a trailing dot.
        return dns.rdata.from_text(dns.rdataclass.IN, kind, str(value), origin=dns.name.root, relativize=False)
    parts = value if isinstance(value, tuple) else (value,)
    strings = [part.encode() if isinstance(part, str) else part for part in parts]
    return TXT(
        dns.rdataclass.IN, kind, [text[at : at + PART] for text in strings for at in range(0, len(text) or 1, PART)]
    )


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False
    dns: DnsServer


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    dns: DnsServer


class _OverUdp(socketserver.BaseRequestHandler):
    server: _Udp

    def handle(self) -> None:
        wire, socket = self.request
        reply = self.server.dns.reply(wire, "UDP")
        if reply is not None:
            socket.sendto(reply, self.client_address)


class _OverTcp(socketserver.StreamRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        wire = self.rfile.read(int.from_bytes(self.rfile.read(2), "big"))
        reply = self.server.dns.reply(wire, "TCP")
        if reply is not None:
            self.wfile.write(len(reply).to_bytes(2, "big") + reply)


def _same_port(server: DnsServer) -> tuple[_Udp, _Tcp]:
    while True:
        udp = _Udp(("127.0.0.1", 0), _OverUdp)
        try:
            tcp = _Tcp(udp.server_address, _OverTcp)
        except OSError:
            # The port is in use for TCP.
            udp.server_close()
            continue
        udp.dns = tcp.dns = server
        return udp, tcp


@pytest.fixture(name="dns")
def dns_fixture(settings: Any) -> Iterator[DnsServer]:
    """The resolver that the code under test asks; nothing is published yet.

    Each test has its own: questions of an earlier test, sent when its time was over, would reach a shared one.
    """
    server = DnsServer()
    server.start()
    settings.DNS_RESOLVERS = [server.address]
    yield server
    server.stop()
