"""POST requests to the subscribers of a topic, from a thread, one after another."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from time import monotonic

import urllib3

# SNS waits 20 seconds between four attempts (SNS Developer Guide, "Message delivery retries"). A test cannot.
_PAUSES = (0.02, 0.05, 0.1)
_TIMEOUT = urllib3.Timeout(total=15)


@dataclass(frozen=True)
class Post:
    """A message for a subscriber."""

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Posts:
    """Sends in order. Repeats three times after 5xx, 429 or no answer, and then gives up."""

    def __init__(self) -> None:
        self.given_up = 0
        self.sent = 0
        self._waiting: queue.SimpleQueue[tuple[Post, threading.Event]] = queue.SimpleQueue()
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        # Set and replaced at each reset.
        self._discarded = threading.Event()

    def send(self, post: Post) -> None:
        """Send it soon."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="aws-emulator-sns", daemon=True)
                self._thread.start()
            self._waiting.put((post, self._discarded))

    def discard(self) -> None:
        """Forget what has not been sent, and the counters."""
        with self._lock:
            self._discarded.set()
            self._discarded = threading.Event()
            self.given_up = self.sent = 0

    def wait(self, seconds: float = 10) -> bool:
        """Wait until everything has been sent or given up. Returns whether that is so."""
        until = monotonic() + seconds
        idle = threading.Event()
        self._waiting.put((Post("", {}, b""), idle))
        with self._lock:
            running = self._thread is not None
        return not running or idle.wait(max(until - monotonic(), 0))

    def _run(self) -> None:
        while True:
            post, discarded = self._waiting.get()
            if not post.url:
                discarded.set()
            elif not discarded.is_set():
                delivered = self._try(post, discarded)
                if not discarded.is_set():
                    self.sent += delivered
                    self.given_up += not delivered

    def _try(self, post: Post, discarded: threading.Event) -> bool:
        for pause in (*_PAUSES, None):
            try:
                status = self._http.request(
                    "POST", post.url, body=post.body, headers=post.headers, redirect=False
                ).status
            except urllib3.exceptions.HTTPError:
                status = 0
            if 200 <= status < 300:
                return True
            if status not in (0, 429) and status < 500:
                return False
            if pause is None or discarded.wait(pause):
                return False
        return False


POSTS = Posts()
