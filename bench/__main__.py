"""python -m bench: what each operation costs, behind the production server on PostgreSQL. `make bench` provides the latter.

A benchmark, no test: it asserts nothing about time. Everything listens on loopback, in a database of its own.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import django
import psycopg
from psycopg import sql

from inbound.tests.processes.stack import Stack, running, url_of_database

# Sweeps and checks of the worker come round once, at its start, so that the journal holds what the requests caused.
QUIET = {"SES_SWEEP_SECONDS": "3600", "SES_DATABASE_SWEEP_SECONDS": "3600", "SES_STATUS_SECONDS": "3600"}


def main() -> int:
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith(("postgres:", "postgresql:")):
        sys.stderr.write("The benchmark needs PostgreSQL: run `make bench`, or set DATABASE_URL.\n")
        return 2
    # A request to end is an error on the way out, so that the processes and the database go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    with database(url) as own, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stack = Stack(Path(folder), own, **QUIET)
        stack.command("migrate", "--verbosity", "0")
        # No pool here: its connections would outlive the closing.
        os.environ.update(stack.env, DATABASE_POOL_SIZE="0")
        django.setup()
        # Their modules need Django to be set up.
        from bench.measuring import progress
        from bench.report import Report

        progress("Starting the emulator, the worker and the server …")
        with running(stack):
            report = Report(stack)
            report.measure()
            text = report.text()
    sys.stdout.write(f"{text}\n\n{os.cpu_count()} CPUs, Python {platform.python_version()}, ")
    sys.stdout.write(f"{time.monotonic() - started:.0f} s in all.\n")
    return 0


@contextmanager
def database(url: str) -> Iterator[str]:
    """An empty database beside the one that is named; dropped at the end."""
    name = f"bench_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield url_of_database(url, name)
    finally:
        if "django.db" in sys.modules:
            from django.db import connections

            connections.close_all()
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


if __name__ == "__main__":
    sys.exit(main())
