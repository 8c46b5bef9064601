"""The process that reads mail: `python -m mail.parsing.child MEGABYTES`, with a socket as its standard input.

It reads one mail after the other, and ends when its parent does. The kernel holds its limits: no code here, and none in a
library, has to give way for them to work.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from mail.parsing import pipe
from mail.parsing.parsed import as_plain, attachment_as_plain
from mail.parsing.reading.mail import read_attachment, read_headers, read_mail
from mail.parsing.refit import refit

# Beyond the limit of the parent, which is the one that kills. These are for a parent that has gone.
SPARE_SECONDS = 5


def main(megabytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, megabytes * 1024 * 1024)
    with socket.socket(fileno=0) as channel, contextlib.suppress(ConnectionError):
        pipe.send_frame(channel, pipe.READY)
        while (request := pipe.read_request(channel)) is not None:
            task, index, seconds, size = request
            _limit_time(seconds + SPARE_SECONDS)
            try:
                _answer(channel, task, index, size)
            except MemoryError:
                _send(channel, {"failed": "memory"})
                return
            signal.alarm(0)


def _limit(kind: int, most: int) -> None:
    # Not every system has each limit.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def _limit_time(seconds: float) -> None:
    """Let the kernel end this process after so many seconds, and after so many of computing."""
    signal.alarm(int(seconds) + 1)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime + seconds) + 1)


def _answer(channel: socket.socket, task: pipe.Task, index: int, size: int) -> None:
    try:
        data = bytearray(size)
    except MemoryError:
        # The parent listens when it has sent the mail.
        pipe.skip(channel, size)
        raise
    if not pipe.receive_into(channel, memoryview(data)):
        return
    try:
        if task == "extract":
            _extract(channel, data, index)
        elif task in ("refit", "refit without attachments"):
            overrides, pieces = refit(data, without_attachments=task != "refit")
            _send(channel, overrides)
            _send_pieces(channel, pieces)
        else:
            mail = read_headers(data) if task == "headers" else read_mail(data, with_html=task == "parse")
            _send(channel, as_plain(mail))
    except (MemoryError, ConnectionError):
        raise
    except Exception as error:
        # Where, but nothing of the mail: this goes to a log.
        place = traceback.extract_tb(error.__traceback__)[-1]
        _send(channel, {"failed": f"{type(error).__name__} in {os.path.basename(place.filename)}:{place.lineno}"})


def _extract(channel: socket.socket, data: bytearray, index: int) -> None:
    found = read_attachment(data, index)
    _send(channel, attachment_as_plain(found[0]) if found else None)
    _send_pieces(channel, found[1] if found else ())


def _send_pieces(channel: socket.socket, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        if piece:
            pipe.send_frame(channel, piece)
    pipe.send_frame(channel, b"")


def _send(channel: socket.socket, answer: Mapping[str, Any] | None) -> None:
    pipe.send_frame(channel, json.dumps(answer).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
