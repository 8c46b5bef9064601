"""Copies of committed revisions, to measure them without touching the working tree."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from bench.requests import BenchError
from inbound.tests.processes.support.stack import ROOT


@dataclass(frozen=True, slots=True)
class Revision:
    """A copy of a commit in the folder `root`. `title`: its short hash and subject."""

    root: Path
    title: str


def export(name: str, root: Path) -> Revision:
    """Copy a revision, by any name that git knows, into the new folder `root`. Raises BenchError."""
    commit = _commit(name)
    root.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit))) as archive:
        archive.extractall(root, filter="data")
    return Revision(root, _git("log", "-1", "--format=%h %s", commit).decode().strip())


def refuse_uncommitted_changes() -> None:
    """Raise BenchError if the working tree differs from HEAD, because the copy of HEAD would lack the changes."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        raise BenchError("There are uncommitted changes, which would not be measured: commit or stash them first.")


def _commit(name: str) -> str:
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()
    except BenchError as error:
        raise BenchError(f"git knows no revision {name!r}.") from error


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    except FileNotFoundError:
        raise BenchError("--against needs git.") from None
    except subprocess.CalledProcessError as error:
        raise BenchError(f"git {arguments[0]}: {error.stderr.decode(errors='replace').strip()}") from None
