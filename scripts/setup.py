"""Bring .venv into line with a requirements file; nothing is done when it is already. Runs on a bare Python."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# There from before the first change of .venv until after the last, so that a half made one is not taken as done.
UNFINISHED = VENV / ".unfinished"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")  # the second includes the first
OLDEST = (3, 11)


def main(requirements: str) -> None:
    with (ROOT / requirements).open() as lock:
        # Two makes at once would install into each other's half made .venv.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _usable():
            _make_venv()
        stamps = _stamps(requirements)
        if not stamps[0].exists():
            _install(requirements, stamps)


def _usable() -> bool:
    if UNFINISHED.exists() or not VENV_PYTHON.exists():
        return False
    probe: list[str | Path] = [VENV_PYTHON, "-c", "import pip, sys; print(*sys.version_info[:2])"]
    said = subprocess.run(probe, capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in said.split())
    # A Python that was asked for by name replaces another one; else whatever .venv has is kept.
    return version == sys.version_info[:2] if os.environ.get("PYTHON") else version >= OLDEST


def _make_venv() -> None:
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    UNFINISHED.touch()
    if subprocess.run([sys.executable, "-m", "venv", VENV], check=False).returncode:
        sys.exit("Making .venv did not succeed: see the message above.")


def _install(requirements: str, stamps: list[Path]) -> None:
    say(f"Installing {requirements} into .venv (about a minute) …")
    started = time.monotonic()
    UNFINISHED.touch()
    for old in VENV.glob(".installed-*"):
        old.unlink()
    pip: list[str | Path] = [
        VENV_PYTHON,
        "-m",
        "pip",
        "install",
        "-qq",  # errors only
        "--disable-pip-version-check",
        "--no-input",
    ]
    if subprocess.run([*pip, "-r", ROOT / requirements], check=False).returncode:
        sys.exit(f"Installing {requirements} did not succeed: see pip's message above, then run make again.")
    for stamp in stamps:
        stamp.touch()
    UNFINISHED.unlink()
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def _stamps(requirements: str) -> list[Path]:
    """What proves that `requirements` are installed, and then what proves the same of those that they include."""
    included = REQUIREMENTS[: REQUIREMENTS.index(requirements) + 1]
    digest = hashlib.sha256()
    stamps: list[Path] = []
    for name in included:
        digest.update((ROOT / name).read_bytes())
        stamps.insert(0, VENV / f".installed-{name}-{digest.hexdigest()[:16]}")
    return stamps


def say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - there is nothing but the terminal here


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
