"""The installations that a part measures: one, or two to compare. Each has its own database and emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from bench.requests import BenchError
from inbound.tests.processes.support.stack import (
    ROOT,
    Stack,
    environment,
    free_port,
    running,
    url_of_database,
    wait_for,
)

# The worker sweeps only when it starts, so that later the journal has only what requests caused.
QUIET = {"SES_SWEEP_SECONDS": "3600", "SES_DATABASE_SWEEP_SECONDS": "3600", "SES_STATUS_SECONDS": "3600"}
SHOWN_LINES = 8


@dataclass(frozen=True, slots=True)
class Seeded:
    """An account with rows: its API key, its endpoint, and the ids of its domains and addresses by domain name."""

    key: str
    endpoint: str
    domains: dict[str, str]
    addresses: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Side:
    """An installation with the code in `root`. `name`: its heading. `folder`: for logs."""

    name: str
    root: Path
    database: str
    folder: Path

    def stack(self, name: str, **more: str) -> Stack:
        folder = self.folder / name
        folder.mkdir()
        return Stack(folder, self.database, self.root, **QUIET, **more)

    def manage(self, *arguments: str) -> None:
        """Run a management command without an emulator."""
        self._run(f"{self.name} {arguments[0]}", ["manage.py", *arguments])

    def empty(self) -> None:
        """Empty the database, the audit log included, whose triggers refuse `flush`. What `migrate` has written stays."""
        with psycopg.connect(self.database) as server:
            server.execute("SET LOCAL session_replication_role = replica")
            kept = ["django_migrations", "django_content_type", "auth_permission"]
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (%s)"
            tables = [sql.Identifier(name) for (name,) in server.execute(query, [kept])]
            server.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))

    def seed(self, state: str, accounts: Mapping[str, Mapping[str, Any]]) -> dict[str, Seeded]:
        """Create accounts with rows (`seed_process`). `state`: of SES, pending or confirmed. `accounts`: by name."""
        plan = {"state": state, "accounts": accounts}
        # -P: the folder of the script is not one to import from.
        script = ["-P", str(ROOT / "bench" / "seed_process.py")]
        said = self._run(f"{self.name} seeding", script, json.dumps(plan), PYTHONPATH=str(self.root))
        return {name: Seeded(**seeded) for name, seeded in json.loads(said).items()}

    def seed_into_ses(self, stack: Stack, name: str, domains: dict[str, int]) -> Seeded:
        """Create an account with domains, and wait until the worker has created their rules in SES."""
        seeded = self.seed("pending", {name: {"domains": domains}})[name]
        wanted = {f"a{slot}@{domain}" for domain, count in domains.items() for slot in range(count)}
        wait_for(lambda: wanted <= stack.aws.recipients(), within=120, what="the worker has created the rules")
        return seeded

    def _run(self, what: str, arguments: Sequence[str], text: str = "", **more: str) -> str:
        env, command = environment(self.database, free_port(), **more), [sys.executable, *arguments]
        done = subprocess.run(command, input=text, env=env, cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{what.strip()} failed: {_end_of(done.stderr)}")
        return done.stdout


@contextmanager
def new_side(name: str, root: Path, url: str, folder: Path) -> Iterator[Side]:
    """A side with an empty, migrated database on the server of `url`. It is dropped at the end."""
    with _database(url) as own:
        own_folder = folder / name.lower()
        own_folder.mkdir(parents=True)
        side = Side(name, root, own, own_folder)
        side.manage("migrate", "--verbosity", "0")
        yield side


@contextmanager
def started(sides: Sequence[Side], name: str, *, worker: bool = True, **more: str) -> Iterator[list[Stack]]:
    """A running stack of each side. Raises BenchError if one does not start, or if a wait takes too long."""
    stacks = [side.stack(name, **more) for side in sides]
    with ExitStack() as cleanup:
        for side, stack in zip(sides, stacks, strict=True):
            try:
                cleanup.enter_context(running(stack, worker=worker))
            except (AssertionError, subprocess.CalledProcessError) as error:
                raise BenchError(f"{side.name or 'It'} does not start: {_reason(error)}") from None
        try:
            yield stacks
            cleanup.close()
        except (AssertionError, subprocess.CalledProcessError) as error:
            raise BenchError(_reason(error)) from None


def wait_for_sweep(stack: Stack) -> None:
    """Wait until the worker has swept, which it does when it starts. It must not repair what is seeded."""
    wait_for(lambda: stack.aws.calls("ListEmailIdentities"), within=60, what="the worker had swept")


def _reason(error: AssertionError | subprocess.CalledProcessError) -> str:
    return _end_of(error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error))


def _end_of(text: str) -> str:
    """The last lines, without tracebacks."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith((" ", "Traceback"))]
    return "\n".join(lines[-SHOWN_LINES:])


@contextmanager
def _database(url: str) -> Iterator[str]:
    """Create an empty database on the same server, yield its URL, and drop it at the end."""
    name = f"bench_{uuid4().hex[:12]}"
    try:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as error:
        raise BenchError(f"PostgreSQL cannot be used: {error}") from None
    try:
        yield url_of_database(url, name)
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
