from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
from django.db import OperationalError, connection

from inbound.database.postgresql import base
from inbound.database.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.postgresql


@pytest.fixture
def pooled(transactional_db: None) -> Iterator[Callable[..., DatabaseWrapper]]:
    """`pooled(port=…)`: what another thread gets, from the same pool of one connection. Options are those of libpq."""
    made: list[DatabaseWrapper] = []

    def make(**options: object) -> DatabaseWrapper:
        settings = deepcopy(connection.settings_dict)
        settings["OPTIONS"] |= {**options, "pool": {"min_size": 1, "max_size": 1, "timeout": 0.2}}
        made.append(DatabaseWrapper(settings, "pooled"))
        return made[-1]

    yield make
    for wrapper in made:
        wrapper.close()
    made[0].close_pool()
    base.NotedConnection.failure = None


def backend(wrapper: DatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    return pid


def test_a_pool_whose_connections_are_all_in_use_is_waited_for_longer(pooled, monkeypatch):
    one, two = pooled(), pooled()
    monkeypatch.setattr(base, "BUSY_SECONDS", 0.5)
    backend(one)
    with pytest.raises(OperationalError, match="All 1 connections of this process are in use"):
        backend(two)
    one.close()
    two.close_if_unusable_or_obsolete()
    assert backend(two)


def test_a_request_waits_only_once(pooled):
    wrapper = pooled(port="1")
    for request in (1, 2):
        for _ in range(3):
            with pytest.raises(OperationalError, match=r"PGSQL\.1"):
                backend(wrapper)
        assert wrapper.pool.get_stats()["requests_num"] <= request
        wrapper.close_if_unusable_or_obsolete()


def test_a_dead_connection_is_replaced(pooled):
    one = pooled()
    pid = backend(one)
    one.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert backend(one) != pid


def test_options_of_the_operator_win(pooled):
    options = pooled(connect_timeout=30).settings_dict["OPTIONS"]
    assert (options["connect_timeout"], options["keepalives_idle"]) == (30, 5)
    pooled().connect()


@pytest.fixture
def silent_pooler() -> Iterator[int]:
    """A port where connections are accepted, and nothing else is answered: PgBouncer while its server is away."""
    accepted: list[socket.socket] = []

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            accepted.append(client)
            client.recv(1024)
            client.sendall(b"R\0\0\0\x08\0\0\0\0" + b"S\0\0\0\x11TimeZone\0UTC\0" + b"Z\0\0\0\x05I")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=[listener])
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for client in accepted:
        client.close()


def test_a_pooler_that_accepts_connections_and_does_not_answer_is_given_up(pooled, silent_pooler):
    wrapper = pooled(sslmode="disable", gssencmode="disable")
    wrapper.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(silent_pooler)}
    wrapper.settings_dict["OPTIONS"].pop("host", None)
    with pytest.raises(OperationalError, match="accepts connections, but does not answer"):
        backend(wrapper)
