"""What the README and docs/try-it.md tell you to type works on the demo, and answers what they show."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from inbound.settings import BASE_DIR
from inbound.tests.demo.running import Demo
from inbound.tests.docs.pages import Page, page

pytestmark = [
    pytest.mark.processes,
    # The demo brings its own database.
    pytest.mark.sqlite_only,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the documents use curl"),
]

# Printed after each command; nothing that is shown contains it.
END = "\x1e"


@pytest.fixture
def demo(tmp_path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "demo")
    demo.start()
    try:
        demo.wait_until_ready()
        yield demo
    finally:
        demo.stop(signal.SIGTERM)
        assert demo.leftovers() == []


def test_commands_in_the_documents_work_as_shown(demo):
    readme, try_it = page("README.md"), page("docs/try-it.md")
    (announced,) = [block for block in readme.blocks("text") if "inbound is running" in block]
    ports = dict(zip(("8000", "5599", "5598", "2525"), map(str, demo.ports), strict=True))
    announced = re.sub("|".join(ports), lambda port: ports[port[0]], announced)
    assert re.search(_pattern(announced), demo.output), demo.output
    commands = [*_commands(readme), *_commands(try_it)]
    for (command, expected), shown in zip(commands, _run(demo, [command for command, _ in commands]), strict=True):
        assert re.fullmatch(_pattern(expected), shown.strip()), f"$ {command}\n{shown}"


def _commands(source: Page) -> list[tuple[str, str]]:
    """Each command of the page's `console` blocks, and what is shown below it."""
    text = "".join(source.blocks("console"))
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(command, expected) for command, _, expected in (part.partition("\n") for part in parts)]


def _run(demo: Demo, commands: list[str]) -> list[str]:
    """What each command prints, all of them typed into one shell."""
    script = "".join(f"{{ {command}\n}} 2>&1\nprintf '{END}'\n" for command in commands)
    script = script.replace(".run/demo.env", str(demo.values_file)).replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["sh"],
        input=script,
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout.removesuffix(END).split(END)


def _pattern(shown: str) -> str:
    """`…` stands for anything; the width of columns is not promised."""
    words = [".*".join(map(re.escape, word.split("…"))) for word in shown.split()]
    return "(?s)" + r"\s+".join(words)
