"""How the body of an answer is sent: at once, or as over a bad connection."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from ses_integration.emulator.wire.responses import ConnectionCut

# In the WSGI environment: the server adds one to each request, the application may change it.
TRANSFER = "inbound.transfer"
_PIECES = 10


class Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


@dataclass
class Transfer:
    """`cut`: close the connection after half of the body. `seconds`: take so long. `ended`: cuts a slow one."""

    cut: bool = False
    seconds: float = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def send(self, body: bytes, out: Writable) -> None:
        """Write the body. Raises ConnectionCut if the client must not get all of it."""
        if self.cut:
            out.write(body[: len(body) // 2])
            raise ConnectionCut
        if not self.seconds:
            out.write(body)
            return
        size = -(-len(body) // _PIECES) or 1
        for start in range(0, len(body), size):
            if self.ended.wait(self.seconds / _PIECES):
                raise ConnectionCut
            out.write(body[start : start + size])
