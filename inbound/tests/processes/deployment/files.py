"""The files in `deploy/`, and the programs that read them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inbound.settings import BASE_DIR

DEPLOY = BASE_DIR / "deploy"


def program(name: str) -> str:
    """The path of a program. Skips the test if it is not installed; CI has all of them."""
    found = shutil.which(
        name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
    )
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed.")
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program(command[0]), *command[1:]], capture_output=True, text=True, timeout=60, check=False)


def settings_in(file: Path) -> dict[str, str]:
    """The variables of an env file."""
    return dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", file.read_text(), re.MULTILINE))
