"""Mail that others collected because it broke their readers: that of CPython, and of the package mail-parser."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "mail-parser==4.8.0"
# Inside the virtual environment, so that `make clean` removes it.
CACHE = Path(sys.prefix) / "test-data"
SECONDS_IN_A_DAY = 86_400


def cpython_mails() -> list[Path]:
    """Not every distribution installs the tests of Python."""
    spec = importlib.util.find_spec("test")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return sorted(mail for folder in folders for mail in Path(folder, "test_email", "data").glob("*.txt"))


def sdist() -> Path:
    """The source distribution, fetched once. `pip` reads its metadata, and builds nothing."""
    found = next(CACHE.glob("mail_parser-*.tar.gz"), None)
    if found:
        return found
    CACHE.mkdir(exist_ok=True)
    tried = CACHE / "tried"
    if tried.exists() and time.time() - tried.stat().st_mtime < SECONDS_IN_A_DAY:
        pytest.skip("the package index did not answer today")
    tried.touch()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "mail-parser", "--quiet"]
    environment = {**os.environ, "PIP_RETRIES": "0", "PIP_TIMEOUT": "10", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        subprocess.run(
            [*command, "--dest", CACHE, PACKAGE], check=True, capture_output=True, env=environment, timeout=120
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"no package index that has {PACKAGE}")
    return next(CACHE.glob("mail_parser-*.tar.gz"))


def mails_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as members:
        for member in members:
            file = members.extractfile(member) if "/tests/mails/" in member.name else None
            if file:
                yield Path(member.name).name, file.read()


def mail_parser_mails() -> dict[str, bytes]:
    """Content by name. Skips the test if no package index answers."""
    return dict(mails_of(sdist()))
