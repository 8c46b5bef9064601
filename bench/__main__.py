"""Measure inbound behind the production server on PostgreSQL (`make bench`, or `python -m bench` with a DATABASE_URL).

Everything listens on loopback and uses a new database.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import django
import psycopg
from psycopg import sql

from inbound.tests.processes.support.stack import Stack, url_of_database

# The worker sweeps only when it starts, so that later the journal has only what requests caused.
QUIET = {"SES_SWEEP_SECONDS": "3600", "SES_DATABASE_SWEEP_SECONDS": "3600", "SES_STATUS_SECONDS": "3600"}
PARTS = {
    "operations": "the cost of each operation",
    "deletions": "many deletions at one call a second",
    "sweep": "a full sweep of 10,000 domains and 100,000 addresses",
    "reads": "reading at that size",
    "erasing": "erasing 100,000 stored objects, with a worker killed half-way",
}


def main() -> int:
    chosen = parts()
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith(("postgres:", "postgresql:")):
        sys.stderr.write("The benchmark needs PostgreSQL: run `make bench`, or set DATABASE_URL.\n")
        return 2
    # Exit with an exception, so that the processes are stopped and the database is dropped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    with database(url) as own, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for text in measure(chosen, Path(folder), own):
            sys.stdout.write(f"{text}\n\n")
            sys.stdout.flush()
    sys.stdout.write(f"{os.cpu_count()} CPUs, Python {platform.python_version()}, ")
    sys.stdout.write(f"{time.monotonic() - started:.0f} s in all.\n")
    return 0


def parts() -> list[str]:
    """The requested parts, in the order of PARTS."""
    about = "; ".join(f"{part}: {what}" for part, what in PARTS.items())
    parser = ArgumentParser(prog="make bench", description=f"Run the benchmark. {about}.")
    parser.add_argument("--only", action="append", choices=PARTS, help="Run only this part. Can be repeated.")
    only = parser.parse_args().only
    return [part for part in PARTS if not only or part in only]


def measure(chosen: list[str], folder: Path, url: str) -> Iterator[str]:
    """Yield the text of each part when it is done. Every part starts with an empty database."""

    def stack(name: str, **more: str) -> Stack:
        (folder / name).mkdir()
        return Stack(folder / name, url, **QUIET, **more)

    first = stack("prepare")
    first.command("migrate", "--verbosity", "0")
    # No connection pool in this process: its connections would keep the database from being dropped.
    os.environ.update(first.env, DATABASE_POOL_SIZE="0")
    django.setup()
    # These modules need Django to be set up.
    from bench.parts import deletions, erasing, operations, reads, sweep

    if "operations" in chosen:
        yield operations.measure(stack("operations"))
        first.command("flush", "--no-input")
    if "deletions" in chosen:
        yield deletions.measure(stack("deletions", **deletions.RATE_LIMIT))
        first.command("flush", "--no-input")
    if {"sweep", "reads"} & set(chosen):
        account, ids = sweep.seed()
        if "sweep" in chosen:
            yield sweep.measure(stack("sweep"))
        if "reads" in chosen:
            yield reads.measure(stack("reads"), account, ids)
        first.command("flush", "--no-input")
    if "erasing" in chosen:
        yield erasing.measure(stack("erasing"))


@contextmanager
def database(url: str) -> Iterator[str]:
    """Create an empty database on the same server, yield its URL, and drop it at the end."""
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
