"""werkzeug's threaded server on a loopback socket, with connections that stay open."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ses_integration.emulator.wire.responses import run_app
from ses_integration.emulator.wire.transfer import TRANSFER, Transfer
from ses_integration.emulator.wire.wsgi import Environ, WSGIApplication

_BACKLOG = 512


class HttpServer(ThreadedWSGIServer):
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

    def shutdown_request(self, request: Any) -> None:
        """Close a connection. One that must not linger is reset: ending it in good order first would hide that."""
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
            self.close_request(request)
        else:
            super().shutdown_request(request)


class _Handler(WSGIRequestHandler):
    """werkzeug's request handler with persistent connections, and without logging."""

    server: HttpServer
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
            environ = {**self.make_environ(), TRANSFER: (transfer := Transfer())}
            response = run_app(self.server.app, environ)
        except ConnectionError as error:
            self.connection_dropped(error)
            return
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        try:
            transfer.send(response.body, self.wfile)
        except ConnectionError as error:
            self.connection_dropped(error)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the journal has every call."""

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """Log nothing: the client disconnected, or a fault closes the connection."""
        # Otherwise the handler would wait for another request on this connection.
        self.close_connection = True


def loopback(host: str) -> str:
    """The host as an address. Raises ValueError if it is not a loopback address."""
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


def listening(host: str, port: int) -> socket.socket:
    """A socket that accepts connections. Raises OSError if the port is in use."""
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
