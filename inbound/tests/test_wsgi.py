from __future__ import annotations

import os
import subprocess
import sys

import pytest


def serve(**environ: str) -> subprocess.CompletedProcess[str]:
    """Load the application, as a server does first, with only these environment variables."""
    return subprocess.run(
        [sys.executable, "-c", "import inbound.wsgi"],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_server_does_not_start_with_the_published_secret():
    done = serve()
    assert done.returncode != 0
    assert "inbound.E001" in done.stderr


@pytest.mark.parametrize("environ", [{"SECRET_KEY": "a secret of our own"}, {"DEBUG": "on"}])
def test_a_server_starts_with_a_secret_or_with_debug(environ):
    assert serve(**environ).returncode == 0
