"""DNS messages over UDP and TCP on a loopback address."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable

import dns.exception
import dns.message

# How often a server checks whether it should stop.
POLL_SECONDS = 0.02
SMALLEST_UDP_PAYLOAD = 512
LARGEST_TCP_PAYLOAD = 65535
HOST = "127.0.0.1"

# Takes a question and "UDP" or "TCP". Returns the response, raw bytes, or None for silence.
Respond = Callable[[dns.message.Message, str], dns.message.Message | bytes | None]


class DnsPortError(OSError):
    """The port cannot be used."""


class DnsServer:
    """Serves what `respond` returns, which is called in a thread for each question."""

    def __init__(self, respond: Respond, port: int = 0) -> None:
        """Listen on the port, or on any that is free for both UDP and TCP. Raises DnsPortError."""
        self._respond = respond
        try:
            self._udp, self._tcp = self._listening(port)
        except OSError as error:
            raise DnsPortError(*error.args) from error

    @property
    def address(self) -> str:
        """For DNS_RESOLVERS."""
        return f"{HOST}:{self._udp.server_address[1]}"

    def start(self) -> None:
        for server in (self._udp, self._tcp):
            threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="dns", daemon=True).start()

    def stop(self) -> None:
        """Stop listening. May be called twice."""
        self._udp.shutdown()
        self._udp.server_close()
        self.stop_tcp()

    def stop_tcp(self) -> None:
        """Listen over UDP only, as servers behind many firewalls do."""
        self._tcp.shutdown()
        self._tcp.server_close()

    def reply(self, wire: bytes, over: str) -> bytes | None:
        """The response to a message; silence to what is none. Truncates what is too large for UDP."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        response = self._respond(query, over)
        if not isinstance(response, dns.message.Message):
            return response
        largest = max(query.payload, SMALLEST_UDP_PAYLOAD) if over == "UDP" else LARGEST_TCP_PAYLOAD
        return response.to_wire(max_size=largest, prefer_truncation=True)

    def _listening(self, port: int) -> tuple[_Udp, _Tcp]:
        while True:
            udp = _Udp((HOST, port), _OverUdp)
            udp.dns = self
            try:
                tcp = _Tcp(udp.server_address, _OverTcp)
            except OSError:
                udp.server_close()
                if port:
                    raise
                continue
            tcp.dns = self
            return udp, tcp


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False
    dns: DnsServer


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
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
