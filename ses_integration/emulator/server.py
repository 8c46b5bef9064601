"""The emulator on a socket, in a background thread."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ses_integration.emulator import stored_objects
from ses_integration.emulator.application import Application
from ses_integration.emulator.control.faults import Faults, parse_faults
from ses_integration.emulator.control.journal import Journal
from ses_integration.emulator.dns.server import DnsServer
from ses_integration.emulator.ses.call_rate import CallRate
from ses_integration.emulator.ses.service import Ses
from ses_integration.emulator.state.accounts import DEFAULT_ACCOUNT, SesAccounts, SesRegion
from ses_integration.emulator.wire.responses import run_app
from ses_integration.emulator.wire.wsgi import Environ, WSGIApplication

# The serving thread checks this often whether to stop, so `stop` takes about this long.
_POLL_SECONDS = 0.05
_BACKLOG = 512


class Emulator:
    """An emulated AWS at a loopback address.

    Accepts any credentials, so it never listens on another address. Keeps everything in memory. `verify_new`: verify new
    identities at once, not when their DNS records are published. `dns_port`: also serve DNS, on this port. `now`: the clock
    for `calls_per_second`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        calls_per_second: float | None = None,
        verify_new: bool = True,
        dns_port: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = _loopback(host)
        self._port = port
        self._faults = Faults()
        self._journal = Journal()
        self._ses = Ses(SesAccounts(verify_new=verify_new), CallRate(calls_per_second, now))
        self._aws = Application(self._ses, self._faults, self._journal)
        self._dns_port = dns_port
        self._dns: DnsServer | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address it listens on. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("The emulator is not started.")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}"

    @property
    def dns_address(self) -> str:
        """Where it serves DNS, for DNS_RESOLVERS. Empty if it does not."""
        return self._dns.address if self._dns else ""

    def start(self) -> None:
        """Listen and serve from a background thread. Calls are accepted when this returns.

        Raises OSError if the port is in use.
        """
        if self._server is not None:
            raise RuntimeError("The emulator is started already.")
        # werkzeug would exit the process if the port is in use, so the socket is bound here.
        with _listening(self._host, self._port) as bound:
            if self._dns_port is not None:
                zone = self._ses.accounts.zone
                self._dns = DnsServer(lambda query, _: zone.answer(query), self._dns_port)
                self._dns.start()
            self._server = _Server(self._host, self._port, self._aws, fd=bound.fileno())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="aws-emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and end calls that a fault is delaying. May be called twice."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        self._aws.cancel_delayed()
        if self._dns is not None:
            self._dns.stop()
            self._dns = None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            server.close_connections()

    def serve_forever(self) -> None:
        """Serve until another thread calls `stop`, or a signal handler raises."""
        if self._server is None:
            self.start()
        thread = self._thread
        try:
            if thread is not None:
                thread.join()
        finally:
            self.stop()

    def reset(self) -> None:
        """Clear rules, identities, buckets, faults and journal, and restore rate limit and quotas. Keeps DNS records."""
        self._aws.reset()

    def prepare(self, region: str, *, rule_set: str, bucket: str) -> None:
        """Create the active rule set and the bucket, as `ses_setup` does, without HTTP. Not while calls are running."""
        rules = self.region(region).rules
        rules.create_receipt_rule_set(rule_set)
        rules.set_active_receipt_rule_set(rule_set)
        stored_objects.create_bucket(bucket, region)

    def journal(self) -> list[dict[str, Any]]:
        """The calls so far, in the format of `GET /_journal`."""
        return self._journal.entries()

    def clear_journal(self) -> None:
        self._journal.clear()

    def add_faults(self, *faults: dict[str, Any]) -> None:
        """Add faults, each in the format of `POST /_faults`."""
        self._faults.add(parse_faults(list(faults)))

    def clear_faults(self) -> None:
        """Remove the faults that have not been used up."""
        self._faults.clear()

    def region(self, name: str) -> SesRegion:
        """The state of SES in a region, to change it without HTTP. Not while calls are running."""
        return self._ses.accounts.region(DEFAULT_ACCOUNT, name)

    def set_quotas(self, **quotas: int | None) -> None:
        """Change quotas, named as in `GET /_quotas`. None restores the published value."""
        with self._ses.lock:
            self._ses.accounts.quotas.change(quotas)


class _Server(ThreadedWSGIServer):
    """Keeps connections open between calls, as AWS does."""

    def __init__(self, host: str, port: int, app: WSGIApplication, fd: int) -> None:
        super().__init__(host, port, app, _Handler, fd=fd)
        self.stopped = False
        # Connections that wait for their next call.
        self.idle: set[socket.socket] = set()

    def close_connections(self) -> None:
        """Close idle connections now, and the others after their response."""
        self.stopped = True
        for connection in list(self.idle):
            with suppress(OSError):  # the client has closed it
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(WSGIRequestHandler):
    """werkzeug's request handler with persistent connections, and without logging."""

    server: _Server
    protocol_version = "HTTP/1.1"
    # Head and body of a response are two small writes. Nagle's algorithm would delay the second.
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.server.idle.add(self.connection)
        try:
            if self.server.stopped:
                self.close_connection = True
            else:
                super().handle_one_request()
        finally:
            self.server.idle.discard(self.connection)

    def parse_request(self) -> bool:
        self.server.idle.discard(self.connection)
        return super().parse_request()

    def run_wsgi(self) -> None:
        """Send the response, without closing the connection as werkzeug would."""
        try:
            # The application reads the whole body of a request, and states the length of a response.
            response = run_app(self.server.app, self.make_environ())
        except ConnectionError as error:
            self.connection_dropped(error)
            return
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the journal has every call."""

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """Log nothing: the client disconnected, or a fault closes the connection."""
        # Otherwise the handler would wait for another request on this connection.
        self.close_connection = True


def _loopback(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(
            f"The emulator takes any credentials, so it listens on loopback only (127.0.0.1 or ::1), not on {host!r}."
        )
    return address


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound
