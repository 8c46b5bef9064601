"""python -m bench: what inbound costs, behind the production server on PostgreSQL. `make bench` provides the latter.

A benchmark, no test: it asserts nothing about time. Everything listens on loopback, in a database of its own.
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

from inbound.tests.processes.stack import Stack, url_of_database

# Sweeps and checks of the worker come round once, at its start, so that the journal holds what the requests caused.
QUIET = {"SES_SWEEP_SECONDS": "3600", "SES_DATABASE_SWEEP_SECONDS": "3600", "SES_STATUS_SECONDS": "3600"}
PARTS = {
    "operations": "what each operation costs",
    "deletions": "many deletions at one call a second",
    "sweep": "a full sweep of 10,000 domains and 100,000 addresses",
    "reads": "reading at that size",
    "erasing": "erasing 100,000 stored objects, killed half-way",
}


def main() -> int:
    chosen = parts()
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith(("postgres:", "postgresql:")):
        sys.stderr.write("The benchmark needs PostgreSQL: run `make bench`, or set DATABASE_URL.\n")
        return 2
    # A request to end is an error on the way out, so that the processes and the database go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    with database(url) as own, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for text in measured(chosen, Path(folder), own):
            sys.stdout.write(f"{text}\n\n")
            sys.stdout.flush()
    sys.stdout.write(f"{os.cpu_count()} CPUs, Python {platform.python_version()}, ")
    sys.stdout.write(f"{time.monotonic() - started:.0f} s in all.\n")
    return 0


def parts() -> list[str]:
    """Those that are asked for, in our order."""
    about = "; ".join(f"{part}: {what}" for part, what in PARTS.items())
    parser = ArgumentParser(prog="make bench", description=f"Measures, part by part. {about}.")
    parser.add_argument("--only", action="append", choices=PARTS, help="This part only; may be given several times.")
    only = parser.parse_args().only
    return [part for part in PARTS if not only or part in only]


def measured(chosen: list[str], folder: Path, url: str) -> Iterator[str]:
    """The text of each part once it is done. Every part begins with an empty database."""

    def stack(name: str, **more: str) -> Stack:
        (folder / name).mkdir()
        return Stack(folder / name, url, **QUIET, **more)

    first = stack("prepare")
    first.command("migrate", "--verbosity", "0")
    # No pool here: its connections would outlive the closing.
    os.environ.update(first.env, DATABASE_POOL_SIZE="0")
    django.setup()
    # Their modules need Django to be set up.
    from bench import deletions, erasing, reads, report, size

    if "operations" in chosen:
        yield report.measured(stack("operations"))
        first.command("flush", "--no-input")
    if "deletions" in chosen:
        yield deletions.measured(stack("deletions", **deletions.PACE))
        first.command("flush", "--no-input")
    if {"sweep", "reads"} & set(chosen):
        account, ids = size.seeded()
        if "sweep" in chosen:
            yield size.swept(stack("sweep"))
        if "reads" in chosen:
            yield reads.measured(stack("reads"), account, ids)
        first.command("flush", "--no-input")
    if "erasing" in chosen:
        yield erasing.measured(stack("erasing"))


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
