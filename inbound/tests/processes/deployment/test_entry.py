"""`deploy/inbound`: commands from any folder with the settings of a file, and their completion in bash."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from inbound.tests.processes.deployment.files import DEPLOY, program

pytestmark = pytest.mark.sqlite_only

SECRET = "a `b` (c; d) & *of* a file that no shell may read"
SETTINGS = f"# A comment\nSECRET_KEY={SECRET}\nDEBUG=true\nDATABASE_URL=sqlite:///{{}}"


@pytest.fixture
def bash(tmp_path: Path):
    """`bash(script)`: what it prints, in another folder than the code's and with `inbound` as a link."""
    if not (DEPLOY.parent / ".venv").exists():
        pytest.skip("there is no .venv")
    (tmp_path / "inbound").symlink_to(DEPLOY / "inbound")
    settings = tmp_path / "inbound.env"
    settings.write_text(SETTINGS.format(tmp_path / "db.sqlite3"))
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(tmp_path), "INBOUND_ENV": str(settings)}

    def run(script: str) -> str:
        command = [program("bash"), "-c", script]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    return run


def test_a_command_has_the_settings_of_the_file_as_they_are(bash):
    said = bash("inbound shell --no-imports -c \"import os; print(os.environ['SECRET_KEY'])\"")
    assert said == f"{SECRET}\n"


@pytest.mark.parametrize("value", ["a$HOME", '"a b"', "it's", "a\\nb"])
def test_a_value_that_others_would_read_otherwise_is_refused_without_being_shown(bash, tmp_path, value):
    (tmp_path / "inbound.env").write_text(f"DEBUG=true\nSECRET_KEY={value}\n")
    said = bash("inbound check 2>&1 && echo done || true")
    assert said == (
        f"{tmp_path}/inbound.env: SECRET_KEY has a quote, a backslash or a dollar sign. Choose a value without.\n"
    )


@pytest.mark.parametrize(
    ("words", "completed"), [("inbound ses_st", ["ses_status"]), ("inbound ses_status --w", ["--watch"])]
)
def test_bash_completes_commands_and_options(bash, words, completed):
    typed = f"COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}"
    said = bash(f'eval "$(inbound completion)"; {typed}; _inbound; echo "${{COMPREPLY[@]}}"')
    assert said.split() == completed
