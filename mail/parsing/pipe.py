"""What parent and child say to each other: a request with a mail, and answers in frames of known length.

The mail goes through the pipe, whatever its size: the parent needs 256 kB for it, and the child has it once.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Literal, cast, get_args

PIECE = 256 * 1024
READY = b"ready"

Task = Literal["parse", "parse without html", "headers", "extract", "refit", "refit without attachments"]

_TASKS: tuple[Task, ...] = get_args(Task)
# Task, position of an attachment, seconds of the limit, bytes of the mail that follow.
_REQUEST = struct.Struct("!BIdQ")
_FRAME = struct.Struct("!I")


def request(task: Task, index: int, seconds: float, size: int) -> bytes:
    return _REQUEST.pack(_TASKS.index(task), index, seconds, size)


def read_request(channel: socket.socket) -> tuple[Task, int, float, int] | None:
    """The next request without its mail. None if the parent has gone."""
    head = bytearray(_REQUEST.size)
    if not receive_into(channel, memoryview(head)):
        return None
    task, index, seconds, size = _REQUEST.unpack(head)
    return _TASKS[task], index, seconds, size


def send_frame(channel: socket.socket, content: bytes) -> None:
    channel.sendall(_FRAME.pack(len(content)) + content)


def read_frame(channel: socket.socket) -> bytes:
    """The next answer. `EOFError` if the other side has gone."""
    head = bytearray(_FRAME.size)
    if not receive_into(channel, memoryview(head)):
        raise EOFError
    content = bytearray(cast(int, _FRAME.unpack(head)[0]))
    if content and not receive_into(channel, memoryview(content)):
        raise EOFError
    return bytes(content)


def frames(channel: socket.socket) -> Iterator[bytes]:
    """Frames up to the empty one."""
    while frame := read_frame(channel):
        yield frame


def receive_into(channel: socket.socket, view: memoryview) -> bool:
    """Fill the view. False if the other side has gone."""
    position = 0
    while position < len(view):
        received = channel.recv_into(view[position:])
        if not received:
            return False
        position += received
    return True


def skip(channel: socket.socket, size: int) -> None:
    while size > 0 and (received := len(channel.recv(min(size, PIECE)))):
        size -= received
