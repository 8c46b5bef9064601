"""Measure inbound behind the production server on PostgreSQL (`make bench`, or `python -m bench` with a DATABASE_URL).

Everything listens on loopback and uses new databases.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import django

from bench.desk import part as desk
from bench.mail import part as mail
from bench.parts import deletions, growth, operations, reads
from bench.requests import BenchError
from bench.revisions import export, refuse_uncommitted_changes
from bench.sides import QUIET, Side, new_side
from inbound.tests.processes.support.mail_stack import MailStack
from inbound.tests.processes.support.stack import ROOT

PARTS = {
    "operations": "the cost of each operation",
    "deletions": "many deletions at one call a second",
    "reads": "reading from 10,000 domains and 100,000 addresses",
    "growth": "the same requests to a small installation and one of that size",
    "desk": "the pages of the admin, with that, a million mails and a million changes",
    "sweep": "a full sweep at that size",
    "erasing": "erasing 100,000 stored objects, with a worker killed half-way",
    "archive": "the export and import of 100,000 mails, with workers killed half-way",
    "undo": "10,000 domains in their grace periods, and the end of 1,000 at once",
    "mail": "mail that arrives, and a million mails that are there",
}
# What can also compare two revisions.
MEASURES: dict[str, Callable[[Sequence[Side], int], str]] = {
    "operations": operations.measure,
    "deletions": deletions.measure,
    "reads": reads.measure,
}
ROUNDS = 3


def main() -> int:
    options = _options()
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith(("postgres:", "postgresql:")):
        sys.stderr.write("The benchmark needs PostgreSQL: run `make bench`, or set DATABASE_URL.\n")
        return 2
    _exit_on_signals()
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for text in _measure(options, Path(folder), url):
                sys.stdout.write(f"{text}\n\n")
                sys.stdout.flush()
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{os.cpu_count()} CPUs, Python {platform.python_version()}, ")
    sys.stdout.write(f"{time.monotonic() - began:.0f} s in all.\n")
    return 0


def _options() -> Namespace:
    """The command line. `only`: the requested parts, in the order of PARTS."""
    about = "; ".join(f"{part}: {what}" for part, what in PARTS.items())
    parser = ArgumentParser(prog="make bench", description=f"Run the benchmark. {about}.")
    parser.add_argument("--only", action="append", choices=PARTS, help="Run only this part. Can be repeated.")
    parser.add_argument(
        "--against",
        metavar="REVISION",
        help=f"Compare HEAD with this revision, in alternation. For {', '.join(MEASURES)}. Default: operations.",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        help=f"How often to repeat what is compared. Default: {ROUNDS}; 1 for deletions, and without --against.",
    )
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1.")
    only = options.only or (["operations"] if options.against else list(PARTS))
    options.only = [part for part in PARTS if part in only]
    if options.against and (alone := [part for part in options.only if part not in MEASURES]):
        parser.error(f"{alone[0]} cannot be compared with --against.")
    return options


def _measure(options: Namespace, folder: Path, url: str) -> Iterator[str]:
    """Yield the text of each part when it is done. Every part starts with an empty database."""
    roots = {"": ROOT}
    if options.against:
        refuse_uncommitted_changes()
        revisions = {"OLD": export(options.against, folder / "old"), "NEW": export("HEAD", folder / "new")}
        roots = {name: revision.root for name, revision in revisions.items()}
        yield "\n".join(f"{name}: {revision.title}" for name, revision in revisions.items())
    for part, measure in MEASURES.items():
        if part in options.only:
            with ExitStack() as cleanup:
                sides = [
                    cleanup.enter_context(new_side(name, root, url, folder / part)) for name, root in roots.items()
                ]
                yield measure(sides, options.rounds or (ROUNDS if options.against and part != "deletions" else 1))
    if "growth" in options.only:
        with ExitStack() as cleanup:
            sides = [cleanup.enter_context(new_side(name, ROOT, url, folder / "growth")) for name in growth.SIZES]
            yield growth.measure(sides, options.rounds or ROUNDS)
    if "desk" in options.only:
        with ExitStack() as cleanup:
            yield desk.measure(
                [cleanup.enter_context(new_side(name, ROOT, url, folder / "desk")) for name in desk.SIZES]
            )
    if "mail" in options.only:
        yield from mail.measure(url, folder / "mail")
    if alone := {"sweep", "erasing", "undo", "archive"} & set(options.only):
        with new_side("", ROOT, url, folder / "alone") as side:
            yield from _in_this_process(side, alone)


def _in_this_process(side: Side, parts: set[str]) -> Iterator[str]:
    """The parts that use Django in this process, because they fill an emulator in it."""
    # No connection pool: its connections would keep the database from being dropped.
    os.environ.update(side.stack("environment").env, DATABASE_POOL_SIZE="0")
    django.setup()
    # These modules need Django to be set up.
    from django.db import connections

    from bench.archive import part as archive
    from bench.parts import erasing, sweep
    from bench.undo import part as undo

    try:
        if "sweep" in parts:
            yield sweep.measure(side.stack("sweep"))
            side.manage("flush", "--no-input")
        if "erasing" in parts:
            yield erasing.measure(side.stack("erasing"))
            side.manage("flush", "--no-input")
        if "undo" in parts:
            yield undo.measure()
            side.manage("flush", "--no-input")
        if "archive" in parts:
            # No queue, so that the worker has nothing else to do.
            yield archive.measure(MailStack(side.folder, side.database, ROOT, **QUIET, MAIL_SOURCE="none"))
    finally:
        connections.close_all()


def _exit_on_signals() -> None:
    """Exit with an exception, so that processes are stopped, and databases and folders removed. Only the first counts."""

    def stop(signum: int, frame: object) -> None:
        for other in signals:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + signum)

    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for signum in signals:
        signal.signal(signum, stop)


if __name__ == "__main__":
    sys.exit(main())
