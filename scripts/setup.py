"""Install a requirements file into .venv, unless it is installed already. Needs only the standard library."""

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
# Exists while .venv is being changed, so that an interrupted installation is not mistaken for a complete one.
UNFINISHED = VENV / ".unfinished"
# Each includes those before it.
REQUIREMENTS = ("requirements-production.txt", "requirements.txt", "requirements-dev.txt")
OLDEST = (3, 11)


def main(requirements: str) -> None:
    with (ROOT / requirements).open() as lock:
        # Two concurrent makes would install into the same unfinished .venv.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _usable():
            _create_venv()
        stamps = _stamps(requirements)
        if not stamps[0].exists():
            _install(requirements, stamps)


def _usable() -> bool:
    if UNFINISHED.exists() or not VENV_PYTHON.exists():
        return False
    probe: list[str | Path] = [VENV_PYTHON, "-c", "import pip, sys; print(*sys.version_info[:2])"]
    output = subprocess.run(probe, capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in output.split())
    # PYTHON=… replaces a .venv of another version. Without it, the existing .venv is kept.
    return version == sys.version_info[:2] if os.environ.get("PYTHON") else version >= OLDEST


def _create_venv() -> None:
    say(f"Creating .venv with Python {sys.version.split()[0]} …")
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    UNFINISHED.touch()
    if subprocess.run([sys.executable, "-m", "venv", VENV], check=False).returncode:
        sys.exit("Creating .venv failed: see the message above.")


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
        sys.exit(f"Installing {requirements} failed: see pip's message above, then run make again.")
    for stamp in stamps:
        stamp.touch()
    UNFINISHED.unlink()
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def _stamps(requirements: str) -> list[Path]:
    """Marker files: first for `requirements`, then for the files that it includes."""
    included = REQUIREMENTS[: REQUIREMENTS.index(requirements) + 1]
    digest = hashlib.sha256()
    stamps: list[Path] = []
    for name in included:
        digest.update((ROOT / name).read_bytes())
        stamps.insert(0, VENV / f".installed-{name}-{digest.hexdigest()[:16]}")
    return stamps


def say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - output for the terminal


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
