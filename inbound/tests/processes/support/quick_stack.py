"""A stack that starts faster, for tests with few requests: its emulator is a thread, and its server has one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inbound.tests.processes.support.stack import Process, Stack
from ses_integration.emulator.server import Emulator

RULE_SET = "inbound-email-rules"


class EmulatorThread(Process):
    """An emulated AWS in the test process, used like a process.

    At its first start SES is set up. After a restart it is empty. `options` are those of the emulator.
    """

    def __init__(self, port: int, log: Path, settings: dict[str, str], **options: Any) -> None:
        super().__init__([], settings, log, lambda _: True)
        self._emulator = Emulator(port=port, **options)
        self._emulator.prepare(settings["AWS_REGION"], rule_set=RULE_SET, bucket=settings["S3_BUCKET_NAME"])
        self._running = False

    def start(self, *, wait: bool = True) -> None:
        self._emulator.start()
        self._running = True

    def wait_until_ready(self) -> None:
        """Return at once: it accepts calls when `start` returns."""

    def stop(self) -> None:
        if self._running:
            self._emulator.stop()
            self._emulator.reset()
        self._running = False

    def kill(self) -> None:
        """Stop it. It forgets everything, as a process does."""
        self.stop()


class QuickStack(Stack):
    def __init__(self, folder: Path, database_url: str, **more: str) -> None:
        super().__init__(folder, database_url, **{"WEB_WORKERS": "1", **more})

    def create_emulator(self, port: int) -> Process:
        return EmulatorThread(port, self._folder / "emulator.log", self.env)

    def set_up_ses(self, *, by_worker: bool) -> None:
        """Nothing to do: the emulator is set up when it starts."""
