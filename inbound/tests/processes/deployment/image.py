"""What an image has, without Docker: the files that .dockerignore lets in, and an environment with only the pinned packages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import cached_property
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from inbound.settings import BASE_DIR
from inbound.tests.processes.deployment.files import DEPLOY

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def stage(name: str) -> str:
    """The part of the Dockerfile that builds one stage."""
    return re.split(rf"^FROM \S+ AS {name}$", DOCKERFILE, flags=re.MULTILINE)[1].partition("\nFROM ")[0]


def command(name: str, keyword: str = "CMD") -> list[str]:
    """The command of a stage."""
    found = re.findall(rf"^{keyword}\b.*?(\[.*\])$", stage(name), re.MULTILINE)
    words: list[str] = json.loads(found[-1])
    return words


class Image:
    """`files` is the folder of the application, `bin` that of its programs."""

    def __init__(self, home: Path, requirements: str = "requirements-production.txt") -> None:
        self.files = home / "inbound"
        self._venv = home / "venv"
        _copy(self.files)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self._venv)], check=True)
        _link_packages(self._venv, requirements)

    @cached_property
    def bin(self) -> Path:
        return self._venv / "bin"

    def resolve(self, words: list[str]) -> list[str]:
        """The command with the program of this image."""
        return [str(self.bin / words[0]), *words[1:]]

    def manage(self, *words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.resolve(["python", "manage.py", *words]),
            cwd=self.files, env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


def _copy(target: Path) -> None:
    target.mkdir(parents=True)
    for pattern in re.findall(r"^!(.+)$", (BASE_DIR / ".dockerignore").read_text(), re.MULTILINE):
        for found in BASE_DIR.glob(pattern):
            if found.is_dir():
                shutil.copytree(found, target / found.name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
            else:
                shutil.copy(found, target)
    (target / "inbound" / "test_settings.py").unlink()


def _link_packages(venv: Path, requirements: str) -> None:
    (site,) = venv.glob("lib/python*/site-packages")
    for package in _closure(requirements):
        for file in package.files or []:
            source = Path(str(package.locate_file(file))).resolve()
            if ".." in file.parts:
                if source.parent.name == "bin":
                    _link_script(source, venv / "bin" / source.name)
            elif not (entry := site / file.parts[0]).exists():
                entry.symlink_to(Path(str(package.locate_file(file.parts[0]))).resolve())


def _link_script(source: Path, target: Path) -> None:
    """A script starts the interpreter that its first line names."""
    if source.exists() and (text := source.read_bytes()).startswith(b"#!"):
        target.write_bytes(f"#!{target.parent}/python\n".encode() + text.partition(b"\n")[2])
        target.chmod(0o755)


def _closure(requirements: str) -> list[Distribution]:
    """The pinned packages, and those that they need."""
    found: dict[tuple[str, str], Distribution] = {}
    waiting = [*_pinned(requirements)]
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            if (requirement.name.lower(), extra) in found:
                continue
            package = found[requirement.name.lower(), extra] = distribution(requirement.name)
            needs = map(Requirement, package.requires or [])
            waiting += [it for it in needs if it.marker is None or it.marker.evaluate({"extra": extra})]
    return [*{package.name: package for package in found.values()}.values()]


def _pinned(requirements: str) -> list[Requirement]:
    found: list[Requirement] = []
    for line in (BASE_DIR / requirements).read_text().splitlines():
        if line.startswith("-r "):
            found += _pinned(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            found.append(Requirement(line))
    return found
