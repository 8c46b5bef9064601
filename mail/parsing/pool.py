"""Read mail in a child process, which is killed and replaced when a mail is too much for it."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, Self

from mail.parsing import limits, pipe
from mail.parsing.parsed import ParsedAttachment, ParsedMail, from_plain
from mail.parsing.process import ChildProcess, Died, TooSlow

logger = logging.getLogger(__name__)

# The child is replaced after so many mails, for whatever a library keeps.
MAILS_PER_CHILD = 5_000


class Unreadable(Exception):
    """An attachment could not be decoded within the limits. The text says why."""


class Busy(Exception):
    """Every process that reads mail is at work."""


class Parser:
    """One child, for one thread. It is started with the first mail."""

    def __init__(self, *, seconds: float, megabytes: int, mails: int = MAILS_PER_CHILD) -> None:
        self.seconds = seconds
        self.megabytes = megabytes
        self._most_mails = mails
        self._child: ChildProcess | None = None
        self._parent = 0
        self._mails = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._child is not None:
            if self._parent == os.getpid():
                self._child.kill()
            else:
                self._child.forget()
            self._child = None

    @property
    def child_pid(self) -> int | None:
        return self._child.pid if self._child else None

    def parse(self, file: BinaryIO) -> ParsedMail:
        """Read a mail. Whatever is in it, there is an answer: `error` says why it could not be read."""
        started = time.perf_counter()
        size = _size(file)
        mail = self._read(file, size)
        if size > limits.RAW:
            mail = replace(mail, truncated=sorted({*mail.truncated, "raw"}))
        return replace(mail, seconds=time.perf_counter() - started)

    def extract(self, file: BinaryIO, index: int, into: BinaryIO) -> ParsedAttachment | None:
        """Write the decoded bytes of an attachment. None if the mail has none at this position. Raises `Unreadable`."""
        size = min(_size(file), limits.RAW)
        with self._explained():
            answers = self._running().ask("extract", file, size, seconds=self.seconds, index=index)
            described = self._answer(next(answers))
            while piece := next(answers):
                into.write(piece)
        return ParsedAttachment(**described) if described else None

    def refit(self, file: BinaryIO, into: BinaryIO, *, without_attachments: bool) -> dict[str, str | None]:
        """Write the body as SES sends it (`mail.parsing.refit`). Returns the fields that become others. Raises `Unreadable`."""
        task: pipe.Task = "refit without attachments" if without_attachments else "refit"
        with self._explained():
            answers = self._running().ask(task, file, _size(file), seconds=self.seconds)
            overrides = self._answer(next(answers))
            while piece := next(answers):
                into.write(piece)
        return overrides or {}

    def _read(self, file: BinaryIO, size: int) -> ParsedMail:
        """All of it, or what can be read of it. HTML is what takes longest, and what most libraries take part in."""
        tries: list[tuple[pipe.Task, int, float]] = [
            ("parse", limits.RAW, self.seconds * limits.FIRST_TRY),
            ("parse without html", limits.RAW, self.seconds * (1 - limits.FIRST_TRY)),
            ("headers", limits.HEADERS_ONLY, limits.HEADERS_ONLY_SECONDS),
        ]
        why: str | None = None
        for task, most, seconds in tries:
            try:
                mail = from_plain(self._ask(task, file, min(size, most), seconds))
            except Unreadable as error:
                why = why or str(error)
            else:
                if task == "headers":
                    return replace(mail, error=why)
                if why and "html" in mail.truncated:
                    logger.warning("A mail was read without its HTML: %s", why)
                return mail
        return ParsedMail(error=why)

    def _ask(self, task: pipe.Task, file: BinaryIO, size: int, seconds: float) -> dict[str, Any]:
        with self._explained():
            answer = self._answer(next(self._running().ask(task, file, size, seconds=seconds)))
            if answer is None:
                raise Died
            return answer

    def _answer(self, frame: bytes) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = json.loads(frame)
        failed = answer.get("failed") if answer else None
        if failed == "memory":
            # It has ended itself: its memory is in pieces.
            raise MemoryError
        if failed:
            logger.error("A mail could not be read: %s", failed)
            raise Died
        return answer

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Why a mail could not be read, in a sentence. The child is gone then."""
        try:
            yield
        except BaseException as error:
            self.close()
            if isinstance(error, TooSlow):
                raise Unreadable(f"It took longer than {self.seconds:g} s to read.") from error
            if isinstance(error, MemoryError):
                raise Unreadable(f"It needed more than {self.megabytes} MB of memory.") from error
            if isinstance(error, Died):
                raise Unreadable("The reader stopped unexpectedly.") from error
            raise

    def _running(self) -> ChildProcess:
        self._mails += 1
        # It may have ended since the last mail, which is not the fault of the next one.
        if self._child is not None and (
            self._parent != os.getpid() or self._mails > self._most_mails or self._child.has_ended
        ):
            self.close()
        if self._child is None:
            self._child = ChildProcess(self.megabytes)
            self._parent = os.getpid()
            self._mails = 1
        return self._child


class ParserPool:
    """Up to `n` parsers for the threads of a process. Each is started when it is needed, also after a fork."""

    def __init__(self, n: int, *, seconds: float, megabytes: int, wait: float = 10.0) -> None:
        self._new: Callable[[], Parser] = lambda: Parser(seconds=seconds, megabytes=megabytes)
        self._n = n
        self._wait = wait
        self._start_anew()
        os.register_at_fork(after_in_child=self._start_anew)

    def parse(self, file: BinaryIO) -> ParsedMail:
        with self.parser() as parser:
            return parser.parse(file)

    def extract(self, file: BinaryIO, index: int, into: BinaryIO) -> ParsedAttachment | None:
        with self.parser() as parser:
            return parser.extract(file, index, into)

    def refit(self, file: BinaryIO, into: BinaryIO, *, without_attachments: bool) -> dict[str, str | None]:
        with self.parser() as parser:
            return parser.refit(file, into, without_attachments=without_attachments)

    @contextmanager
    def parser(self) -> Iterator[Parser]:
        """A parser for a block. `Busy` if none is free in time."""
        free = self._free
        if not free.acquire(timeout=self._wait):
            raise Busy
        try:
            parser = self._idle.pop() if self._idle else self._new()
            try:
                yield parser
            finally:
                self._idle.append(parser)
        finally:
            free.release()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _start_anew(self) -> None:
        self._free = threading.BoundedSemaphore(self._n)
        self._idle: list[Parser] = []


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)
