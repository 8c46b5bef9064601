"""The child process, as its parent holds it: start it, exchange with it in a given time, kill it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mail.parsing import pipe

ROOT = Path(__file__).parents[2]
# How long Python may take to start, on a machine that is busy.
START_SECONDS = 60.0
# Nothing secret: a mail that takes over the child finds no key there.
_ENVIRONMENT = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH")
_ENVIRONMENT_PREFIXES = ("PYTHON", "COVERAGE", "LC_")


class Died(Exception):
    """The child ended before it had answered."""


class TooSlow(Exception):
    """The child took longer than it may."""


class ChildProcess:
    """A running child. After `Died` or `TooSlow` it is dead."""

    def __init__(self, megabytes: int) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mail.parsing.child", str(megabytes)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=_environment(),
            )
        try:
            self._read(time.monotonic() + START_SECONDS)
        except (Died, TooSlow) as error:
            raise RuntimeError("The process that reads mail does not start.") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def ask(self, task: pipe.Task, file: BinaryIO, size: int, *, seconds: float, index: int = 0) -> Iterator[bytes]:
        """The answers to a request, the last one not marked: the caller knows when to stop. `file` from its beginning."""
        deadline = time.monotonic() + seconds
        with self._killed_by_failure():
            self._wait_at_most(deadline)
            head = pipe.request(task, index, seconds, size)
            file.seek(0)
            while size:
                piece = file.read(min(size, pipe.PIECE))
                if not piece:
                    raise ValueError("The file became shorter.")
                size -= len(piece)
                self._wait_at_most(deadline)
                self._channel.sendall(head + piece)
                head = b""
            if head:
                self._channel.sendall(head)
        while True:
            yield self._read(deadline)

    def kill(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """Let it be, in a process that was forked from its parent."""
        self._channel.close()
        self._process.returncode = 0

    def _read(self, deadline: float) -> bytes:
        with self._killed_by_failure():
            self._wait_at_most(deadline)
            return pipe.read_frame(self._channel)

    def _wait_at_most(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._channel.settimeout(remaining)

    @contextlib.contextmanager
    def _killed_by_failure(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            self.kill()
            raise TooSlow from error
        except (EOFError, ConnectionError) as error:
            self.kill()
            raise Died from error
        except BaseException:
            self.kill()
            raise


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)
    }
    path = kept.get("PYTHONPATH")
    return kept | {"PYTHONPATH": f"{ROOT}{os.pathsep}{path}" if path else str(ROOT)}
