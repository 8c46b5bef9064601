"""Waiting without holding what others need: a web process has more threads than its pool has database connections."""

from __future__ import annotations

import time

from django.db import connection


def give_connection_back() -> None:
    """Before a wait or a call to AWS. The next statement takes a connection from the pool again."""
    if not connection.in_atomic_block and "pool" in connection.settings_dict.get("OPTIONS", {}):
        connection.close()


def pause(seconds: float) -> None:
    give_connection_back()
    time.sleep(max(0.0, seconds))
