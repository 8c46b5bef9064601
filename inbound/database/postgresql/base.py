"""Connections to PostgreSQL that fail within two seconds if the server is away (docs/runbook.md, "The database is away").

After a restart of the server all pooled connections are dead. psycopg's pool checks them one by one, with a longer pause
before each, so a request would wait for half a minute.
"""

from __future__ import annotations

from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Any, ClassVar
from weakref import WeakSet

from django.db.backends.postgresql import base
from psycopg import Connection, Error, OperationalError
from psycopg.errors import ConnectionTimeout
from psycopg.pq import TransactionStatus
from psycopg_pool import PoolTimeout

# Together less than two seconds: wait for an answer on a pooled connection, then for a new connection.
CHECK_SECONDS = 0.7
WAIT_SECONDS = 1.15
# The server answers, but all connections are in use: they come back soon.
BUSY_SECONDS = 10.0

# libpq allows no shorter connect_timeout. The others end a query about 10 seconds after the server's host has disappeared.
NETWORK = {
    "connect_timeout": 2,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


class NotedConnection(Connection[Any]):
    """Notes why connecting failed: the pool connects in threads of its own, and only says that it took too long."""

    failure: ClassVar[Error | None] = None

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            connection = super().connect(*args, **kwargs)
        except Error as error:
            NotedConnection.failure = error
            raise
        NotedConnection.failure = None
        return connection

    @classmethod
    def is_refused(cls) -> bool:
        """Whether the last attempt failed with an answer: another one will not take long."""
        return cls.failure is not None and not isinstance(cls.failure, ConnectionTimeout)

    @classmethod
    def reason(cls, default: object) -> str:
        return str(cls.failure or default).strip().partition("\n")[0]


POOL = {
    "timeout": WAIT_SECONDS,
    # Give up early, so that the next request starts anew. The pauses between the pool's own attempts grow to minutes.
    "reconnect_timeout": 1.0,
    "connection_class": NotedConnection,
}


class DatabaseWrapper(base.DatabaseWrapper):
    _in_use: ClassVar[WeakSet[Connection[Any]]] = WeakSet()
    # Whether the request of this thread has already waited in vain. It does not wait a second time, such as to free its key.
    _gave_up = False

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        options = NETWORK | settings_dict["OPTIONS"]
        if options.get("pool"):
            options["pool"] = POOL | options["pool"]
        settings_dict["OPTIONS"] = options
        super().__init__(settings_dict, *args, **kwargs)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, or take a connection that answers out of the pool. Raises psycopg's OperationalError."""
        if self._gave_up:
            raise OperationalError(NotedConnection.reason("The database could not be reached a moment ago."))
        try:
            if not self.pool:
                return super().get_new_connection(conn_params)
            if NotedConnection.is_refused() and not self._in_use:
                # Raises at once if the server is still away. If each request waited, no thread would be left for others.
                NotedConnection.connect(**conn_params).close()
            return self._pooled(conn_params)
        except OperationalError:
            self._gave_up = True
            raise

    def close_if_unusable_or_obsolete(self) -> None:
        """Django calls this when a request starts and ends."""
        self._gave_up = False
        super().close_if_unusable_or_obsolete()

    def _pooled(self, conn_params: dict[str, Any]) -> Connection[Any]:
        started = monotonic()
        while True:
            try:
                connection: Connection[Any] = super().get_new_connection(conn_params)
            except PoolTimeout as error:
                size = self.pool.max_size
                if len(self._in_use) < size:
                    raise OperationalError(NotedConnection.reason(error)) from error
                if monotonic() - started > BUSY_SECONDS:
                    raise OperationalError(f"All {size} connections of this process are in use.") from error
                continue
            if answers(connection):
                self._in_use.add(connection)
                return connection
            connection.close()
            self.pool.putconn(connection)
            # The others are most likely dead as well. Each would cost a request its time.
            self.pool.drain()
            if monotonic() - started > WAIT_SECONDS:
                # New connections do not answer either: a pooler such as PgBouncer accepts them, and the server is away.
                raise OperationalError("The database accepts connections, but does not answer.")

    def _close(self) -> None:
        self._in_use.discard(self.connection)
        super()._close()  # type: ignore[misc]


def answers(connection: Connection[Any]) -> bool:
    """Whether the server answers an empty query on an idle connection within CHECK_SECONDS."""
    raw = connection.pgconn
    deadline = monotonic() + CHECK_SECONDS
    try:
        with DefaultSelector() as selector:
            raw.send_query(b"")
            raw.flush()
            selector.register(raw.socket, EVENT_READ)
            while raw.is_busy():
                if not selector.select(max(0.0, deadline - monotonic())):
                    return False
                raw.consume_input()
            while raw.get_result() is not None:
                pass
            return raw.transaction_status == TransactionStatus.IDLE
    except Error:
        return False
