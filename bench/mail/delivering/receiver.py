"""A receiver of webhooks in the bench's own process: it takes, delays, refuses, and notes when each mail came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW_SECONDS = 5.0


class Receiver(ThreadingHTTPServer):
    """`arrived`: a value of `time.monotonic()` for each Message-ID of a mail that came to `/ok`. Thread-safe."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self.changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def wait_for(self, count: int, seconds: float) -> None:
        """Wait until so many mails have come to `/ok`. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.arrived) >= count, timeout=seconds):
                raise TimeoutError(f"Only {len(self.arrived)} of {count} webhooks arrived within {seconds:.0f} s.")

    def wait_for_mail(self, message_id: str, seconds: float) -> float:
        """When the webhook of this mail came. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: message_id in self.arrived, timeout=seconds):
                raise TimeoutError(f"The webhook of {message_id} did not arrive within {seconds:.0f} s.")
            return self.arrived[message_id]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        came = time.monotonic()
        if self.path == "/busy":
            self.send_response(429)
            self.send_header("Retry-After", "1")
        else:
            if self.path == "/slow":
                time.sleep(SLOW_SECONDS)
            self.send_response(204)
        self.end_headers()
        if self.path == "/ok":
            message_id = json.loads(body)["email"]["messageId"]
            with self.server.changed:
                self.server.arrived[message_id] = came
                self.server.changed.notify_all()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        yield receiver
        receiver.shutdown()
