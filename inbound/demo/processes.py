"""Start and stop the demo's processes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_SECONDS = 10


class Processes:
    """A context manager that stops its processes on exit, in reverse order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._commands: dict[str, str] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running.values()):
            _stop(process)

    def start(self, name: str, command: str) -> None:
        self._commands[name] = command
        # A new session: Ctrl-C must reach only this process, which then stops the others in order.
        self._running[name] = subprocess.Popen(
            shlex.split(command), cwd=self._folder, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def restart(self, name: str) -> None:
        """Start a process that was killed again, without the children that it left behind."""
        _stop(self._running[name])
        self.start(name, self._commands[name])

    def was_killed(self, name: str) -> bool:
        return (self._running[name].poll() or 0) < 0

    def ended(self) -> str | None:
        """The name of a process that has ended unexpectedly, or None."""
        return next((name for name, process in self._running.items() if process.poll() is not None), None)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        # The process itself if it ignored SIGTERM, and any children it left behind.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read_procfile(file: Path) -> dict[str, str]:
    """The commands of a Procfile by name."""
    lines = (line.partition(":") for line in file.read_text().splitlines() if line.strip())
    return {name.strip(): command.strip() for name, _, command in lines}
