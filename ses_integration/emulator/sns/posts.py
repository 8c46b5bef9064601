"""POST requests to the subscribers of a topic, from a thread, one after another."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field

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


@dataclass
class _Run:
    """What there is to send between two resets. An event is set when its turn comes; None ends the thread."""

    waiting: queue.SimpleQueue[Post | threading.Event | None] = field(default_factory=queue.SimpleQueue)
    discarded: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Posts:
    """Sends in order. Repeats three times after 5xx, 429 or no answer, and then gives up."""

    def __init__(self) -> None:
        self.given_up = 0
        self.sent = 0
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._lock = threading.Lock()
        self._run = _Run()

    def send(self, post: Post) -> None:
        """Send it soon."""
        with self._lock:
            run = self._run
            if run.thread is None:
                run.thread = threading.Thread(target=self._serve, args=(run,), name="aws-emulator-sns", daemon=True)
                run.thread.start()
            run.waiting.put(post)

    def discard(self) -> None:
        """Forget what has not been sent, and the counters. Nothing waits for a subscriber that does not answer."""
        with self._lock:
            self._run.discarded.set()
            self._run.waiting.put(None)
            self._run = _Run()
            self.given_up = self.sent = 0

    def wait(self, seconds: float = 10) -> bool:
        """Wait until everything has been sent or given up. Returns whether that is so."""
        with self._lock:
            run, reached = self._run, threading.Event()
            run.waiting.put(reached)
        return run.thread is None or reached.wait(seconds)

    def _serve(self, run: _Run) -> None:
        while (item := run.waiting.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            delivered = self._try(item, run.discarded)
            with self._lock:
                if run.discarded.is_set():
                    return
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
