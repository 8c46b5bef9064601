"""Streams that take any text, and real commands on terminals and pipes that do not take everything."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inbound.settings import BASE_DIR
from inbound.terminal import CLOSED_PIPE, Errors, Output, escaped

TYPOGRAPHY = "SES → bücher.de … ⚠ \udcff"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("a\x9b2Jb\x7f\x00", "a\\x9b2Jb\\x7f\\x00"),
        ("over\rwritten", "over\\rwritten"),
        ("\rLooking at 1/2", "\rLooking at 1/2"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("tab\tline\nbreak bücher", "tab\tline\nbreak bücher"),
    ],
    ids=ascii,
)
def test_a_terminal_obeys_nothing_in_a_name(text, shown):
    assert escaped(text) == shown


def stream(kind: Callable[..., Any], encoding: str, *, raw: bool = False) -> tuple[Any, io.BytesIO]:
    held = io.BytesIO()
    return kind(io.TextIOWrapper(held, encoding=encoding, errors="strict"), raw=raw), held


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "SES → bücher.de … ⚠ \\udcff"),
        ("latin-1", "SES -> bücher.de ... \\u26a0 \\udcff"),
        ("cp1252", "SES -> bücher.de … \\u26a0 \\udcff"),
        ("ascii", "SES -> b\\xfccher.de ... \\u26a0 \\udcff"),
    ],
)
@pytest.mark.parametrize("kind", [Output, Errors])
def test_every_encoding_takes_any_text(kind, encoding, shown):
    out, held = stream(kind, encoding)
    out.write(TYPOGRAPHY)
    out.flush()
    assert held.getvalue().decode(encoding) == shown


def test_a_program_that_draws_on_the_terminal_may_do_so():
    out, held = stream(Output, "utf-8", raw=True)
    out.write("\x1b[2J")
    out.flush()
    assert held.getvalue() == b"\x1b[2J"


def run(*words: str, program: str = "manage.py", **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command without database and AWS. Anything that it says about them is fine, but not a traceback."""
    variables = {"DATABASE_URL": "sqlite:////nonexistent/db", "DJANGO_SETTINGS_MODULE": "inbound.test_settings"}
    env = os.environ | variables | options.pop("env", {})
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run([sys.executable, program, *words], cwd=BASE_DIR, env=env, check=False, **options)


processes = pytest.mark.processes


@processes
@pytest.mark.parametrize("encoding", ["latin-1", "ascii:strict", "cp1252"])
def test_a_report_is_printed_on_a_terminal_that_is_not_utf_8(encoding):
    done = run("ses_doctor", env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 1
    text = done.stdout.decode(encoding.partition(":")[0])
    assert "-> " in text
    assert b"Traceback" not in done.stderr


@processes
def test_json_is_ascii_on_every_terminal():
    done = run("ses_doctor", "--json", env={"PYTHONIOENCODING": "latin-1"})
    assert json.loads(done.stdout.decode("ascii"))["ok"] is False


@processes
@pytest.mark.parametrize("words", [["ses_doctor"], ["ses_sync", "--help"], ["help"]], ids=lambda words: words[0])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_closed_pipe_ends_a_command_quietly(words, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(*words, stdout=writing, env={"PYTHONUNBUFFERED": unbuffered})
    finally:
        os.close(writing)
    assert done.returncode == CLOSED_PIPE
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


@processes
def test_a_pipe_that_is_closed_while_rows_are_read_ends_a_command_quietly(tmp_path: Path):
    database = {"DATABASE_URL": f"sqlite:///{tmp_path}/db"}
    assert run("migrate", "-v0", env=database).returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    done = run("dumpdata", stdout=writing, env=database | {"PYTHONUNBUFFERED": "1"})
    os.close(writing)
    assert (done.returncode, done.stderr) == (CLOSED_PIPE, b"")


@processes
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_one_sentence(unbuffered):
    with Path("/dev/full").open("wb") as full:
        done = run("help", stdout=full, env={"PYTHONUNBUFFERED": unbuffered})
    assert (done.returncode, done.stderr) == (1, b"The output cannot be written: No space left on device.\n")


@processes
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(closed):
    script = f'exec "{sys.executable}" manage.py plan_delete example.com {closed}'
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=BASE_DIR,
        env=os.environ
        | {"DATABASE_URL": "sqlite:////nonexistent/db", "DJANGO_SETTINGS_MODULE": "inbound.test_settings"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert (b"The database cannot be used" in done.stderr) == ("2>" not in closed)


@processes
def test_an_error_that_cannot_be_written_keeps_its_exit_code():
    with Path("/dev/full").open("wb") as full:
        assert run("plan_delete", "--nonsense", stderr=full).returncode == 1


@processes
@pytest.mark.parametrize(
    "words", [["ses_sync"], ["plan_delete"], ["create_api_key", "--name", "x"]], ids=lambda w: w[0]
)
def test_an_argument_that_is_no_text_is_one_sentence(words):
    done = run(*words, os.fsdecode(b"\xff.example.com"), env={"PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (
        1,
        b"This argument is not text in the encoding of the terminal: '\\udcff.example.com'.\n",
    )
