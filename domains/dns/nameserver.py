"""One DNS server: its address, and questions to it, many at a time over one UDP socket."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.nameserver
import dns.rcode
import dns.rdatatype

DNS_PORT = 53
# Forwarders such as dnsmasq refuse more than 150 open questions.
MOST_AT_ONCE = 100
# What servers and firewalls answer that do not know EDNS (RFC 6891, 7).
WITHOUT_EDNS = frozenset(
    {dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.BADVERS}
)


class NotRecursive(dns.exception.FormError):
    """The server has no record and is neither authoritative nor recursive, so it cannot say that there is none.

    A FormError, because dnspython then asks the next server.
    """


def nameserver(text: str) -> tuple[str, int]:
    """Address and port of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Raises ValueError for anything else. A host name could not be resolved without a resolver.
    """
    host, port = text.strip(), str(DNS_PORT)
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not an address: {text!r}")
        port = rest[1:] if rest else port
    elif host.count(":") == 1:
        host, port = host.split(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"not a port: {text!r}")
    return str(ipaddress.ip_address(host)), int(port)


class Nameserver(dns.nameserver.Do53Nameserver):
    """A server that is asked over one connected UDP socket, or over TCP if an answer is too large.

    The kernel reports a closed port to a connected socket at once. Sockets for each question would use up the file
    descriptors of a busy process.
    """

    def __init__(self, address: str, port: int) -> None:
        super().__init__(address, port)
        self._replies = _Replies()
        self._transport: asyncio.DatagramTransport | None = None
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        # Whether no question had a reply while the last one was waited for in vain.
        self._silent = False

    async def open(self) -> None:
        """Connect the socket. Raises OSError, for example without a route to an IPv6 address."""
        udp = socket.socket(dns.inet.af_for_address(self.address), socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            udp.connect(dns.inet.low_level_address_tuple((self.address, self.port)))
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self._replies, sock=udp)
        except OSError:
            udp.close()
            raise

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        """Ask over UDP, or over TCP with `max_size`. Called by dnspython."""
        async with self._slots:
            if max_size:
                reply = await super().async_query(
                    request, timeout, source, source_port, max_size, backend, one_rr_per_rrset, ignore_trailing
                )
            else:
                reply = await self._over_udp(request, timeout)
        return _understood(request, reply)

    async def _over_udp(self, request: dns.message.QueryMessage, timeout: float) -> dns.message.Message:
        """Ask once, and again without EDNS if the server seems not to know it."""
        before = self._replies.count
        try:
            # The first try goes to another server if this one is silent. Otherwise many questions would each wait for it.
            async with asyncio.timeout(0 if self._silent and request.edns >= 0 else timeout):
                reply = await self._exchange(request)
                if request.edns >= 0 and reply.rcode() in WITHOUT_EDNS:
                    request.use_edns(False)
                    reply = await self._exchange(request)
                return reply
        except TimeoutError:
            self._silent = self._replies.count == before
            # A firewall may have dropped the question because of EDNS, so dnspython's next try goes without.
            request.use_edns(False)
            raise dns.exception.Timeout from None

    async def _exchange(self, request: dns.message.QueryMessage) -> dns.message.QueryMessage:
        if self._transport is None:
            raise OSError("not connected")
        with self._replies.expecting(request) as reply:
            self._transport.sendto(request.to_wire())
            return await reply


class _Replies(asyncio.DatagramProtocol):
    """Hands each reply to the question with its id. Ignores what answers no question, which may be forged."""

    def __init__(self) -> None:
        self.count = 0
        self._expected: dict[int, tuple[dns.message.QueryMessage, asyncio.Future[dns.message.QueryMessage]]] = {}

    @contextmanager
    def expecting(self, request: dns.message.QueryMessage) -> Iterator[asyncio.Future[dns.message.QueryMessage]]:
        """The reply to a question, which gets a free id."""
        while request.id in self._expected:
            request.id = secrets.randbelow(1 << 16)
        reply: asyncio.Future[dns.message.QueryMessage] = asyncio.get_running_loop().create_future()
        self._expected[request.id] = request, reply
        try:
            yield reply
        finally:
            del self._expected[request.id]

    def datagram_received(self, data: bytes, _: object) -> None:
        request, reply = self._expected.get(int.from_bytes(data[:2], "big"), (None, None))
        if request is None or reply is None or reply.done():
            return
        try:
            message = dns.message.from_wire(data, ignore_trailing=True)
        except Exception:
            return
        if request.is_response(message):
            self.count += 1
            reply.set_result(cast("dns.message.QueryMessage", message))

    def error_received(self, error: Exception) -> None:
        for _, reply in self._expected.values():
            if not reply.done():
                reply.set_exception(error)


def _understood(request: dns.message.QueryMessage, reply: dns.message.Message) -> dns.message.Message:
    """The reply as dnspython should read it. Raises NotRecursive, and Truncated, after which dnspython asks over TCP."""
    if reply.flags & dns.flags.TC:
        raise dns.message.Truncated
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return reply
    if not reply.answer and not reply.flags & (dns.flags.AA | dns.flags.RA):
        raise NotRecursive
    question = request.question[0]
    if any(rrset.name == question.name and rrset.rdtype == dns.rdatatype.CNAME for rrset in reply.answer):
        # NXDOMAIN is about the last name of the chain (RFC 6604), and this question's name exists.
        reply.set_rcode(dns.rcode.NOERROR)
    return reply
