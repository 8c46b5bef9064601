"""The SMTP listener, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from ses_integration.emulator.receiving.content.mail import Client
from ses_integration.emulator.receiving.mailroom import MailboxUnavailable, Mailroom

HOST = "127.0.0.1"
# Amazon SES service quotas: mail that is stored in S3, headers included.
MAX_BYTES = 40 * 1024 * 1024
UNAVAILABLE = "550 5.1.1 Requested action not taken: mailbox unavailable"

logging.getLogger("mail.log").setLevel(logging.WARNING)
logger = logging.getLogger(__name__)


class SmtpPortError(OSError):
    """The port cannot be used."""


class _Session(SMTP):  # type: ignore[misc]
    """aiosmtpd without its limit of 1,000 bytes a line, which senders exceed and SES does not have."""

    line_length_limit = MAX_BYTES + 1024

    def __init__(self, open_connections: set[asyncio.BaseTransport], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._open_connections = open_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_connections.discard(self.transport)
        super().connection_lost(error)


class SmtpServer:
    """Takes mail for a mailroom. The answer to DATA comes when mail and notification are there."""

    def __init__(self, mailroom: Mailroom, port: int, host: str) -> None:
        self._handler = _Handler(mailroom)
        self._host = host
        self._port = port
        self._connections: set[asyncio.BaseTransport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self._host}:{self._port}"

    def start(self) -> None:
        """Listen; connections are accepted when this returns. Raises SmtpPortError."""
        loop = self._loop = asyncio.new_event_loop()
        try:
            server = loop.run_until_complete(loop.create_server(self._session, self._host, self._port, backlog=512))
        except OSError as error:
            loop.close()
            raise SmtpPortError(*error.args) from error
        self._port = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(loop, server), name="aws-emulator-smtp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and cut open connections."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop = self._thread = None

    def _session(self) -> SMTP:
        return _Session(
            self._connections,
            self._handler,
            data_size_limit=MAX_BYTES,
            enable_SMTPUTF8=True,
            hostname="inbound-smtp.emulated",
            ident="ESMTP",
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=self._loop,
        )

    def _serve(self, loop: asyncio.AbstractEventLoop, server: asyncio.Server) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        server.close()
        for transport in list(self._connections):
            transport.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        loop.close()


class _Handler:
    """aiosmtpd's hooks."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._mailroom.accepts(address):
            return UNAVAILABLE
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        client = Client(helo=str(session.host_name or "localhost"), address=str(session.peer[0]))
        try:
            ids = self._mailroom.deliver(sender, envelope.rcpt_tos, bytes(envelope.content or b""), client)
        except MailboxUnavailable:  # the rules have changed since RCPT
            return UNAVAILABLE
        except Exception:
            logger.exception("A mail could not be emulated.")
            return "451 4.3.0 Requested action aborted: local error in processing"
        return f"250 OK {ids[0]}"
