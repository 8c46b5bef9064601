"""Processes for one request or one run of the worker, killed at any step."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inbound.tests.processes.support.stack import ROOT, STOP_SECONDS

SIGKILLED = -9


@dataclass(frozen=True, slots=True)
class ForkedRun:
    """The steps that the process has passed, in order, and its exit status."""

    steps: list[str]
    status: int

    @property
    def killed(self) -> bool:
        return self.status == SIGKILLED


class ForkServer:
    """Starts processes as forks of one that has loaded the application; each is as fresh as a new one."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "inbound.tests.processes.support.fork_server"],
                env=env,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self._read() == "ready"

    def delete(self, path: str, key: str, *, kill_at: int | None = None) -> ForkedRun:
        """Send DELETE /api/v2/<path> to the application; kill it right after step number `kill_at` (from 1)."""
        run = self._fork(path=path, key=key, kill_at=kill_at)
        assert run.killed or run.status == 0, run
        return run

    def worker(self, *, kill_at: int | None = None) -> ForkedRun:
        """Run `ses_worker --once`; kill it right after step number `kill_at` (from 1)."""
        run = self.command("ses_worker", "--once", kill_at=kill_at)
        # 2: something is still pending.
        assert run.killed or run.status in (0, 2), run
        return run

    def command(self, *command: str, kill_at: int | None = None) -> ForkedRun:
        """Run a command; kill it right after step number `kill_at` (from 1)."""
        return self._fork(path=None, command=command, kill_at=kill_at)

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(STOP_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _fork(self, **order: Any) -> ForkedRun:
        assert self._process.stdin is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return ForkedRun(**json.loads(self._read()))

    def _read(self) -> str:
        assert self._process.stdout is not None
        line: str = self._process.stdout.readline().strip()
        assert line, "The fork server has ended."
        return line
