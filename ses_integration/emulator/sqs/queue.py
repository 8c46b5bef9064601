"""A queue in which receiving, deleting and counting take the same time whatever it holds."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from moto.sqs import models
from moto.sqs.models import Message

# A long poll looks this often whether its client is still there.
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Received:
    """A message as a client gets it."""

    handle: str
    message: Message
    count: int
    first_received: int


class Queue(models.Queue):  # type: ignore[misc]
    """moto's queue with its own store of messages. Thread-safe. Neither FIFO order nor retention is emulated."""

    def __init__(self, name: str, region: str, account_id: str, **attributes: Any) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._polls_ended = 0
        self._closed = False
        # Clients that are waiting for a message.
        self.polls = 0
        self._all: dict[str, Message] = {}
        self._waiting: OrderedDict[str, Message] = OrderedDict()
        # When a message that is delayed, or was received, will be waiting again. The heap may have outdated entries.
        self._hidden: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []
        super().__init__(name, region, account_id, **attributes)

    @property
    def _messages(self) -> list[Message]:
        return list(self._all.values())

    @_messages.setter
    def _messages(self, messages: list[Message]) -> None:
        """moto assigns an empty list at the start, and to purge the queue."""
        with self._changed:
            for held in (self._all, self._waiting, self._hidden, self._heap):
                held.clear()
        for message in messages:
            self.add_message(message)

    @property
    def messages(self) -> list[Message]:
        with self._changed:
            self._uncover()
            return list(self._waiting.values())

    @property
    def approximate_number_of_messages(self) -> int:
        with self._changed:
            self._uncover()
            return len(self._waiting)

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        return len(self._all) - self.approximate_number_of_messages - self.approximate_number_of_messages_not_visible

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        with self._changed:
            self._uncover()
            return sum(self._all[held].approximate_receive_count > 0 for held in self._hidden)

    def add_message(self, message: Message) -> None:
        with self._changed:
            self._all[message.id] = message
            delay = message.delayed_until / 1000 - time.time()
            if delay > 0:
                self._hide(message.id, delay)
            else:
                self._waiting[message.id] = message
            self._changed.notify_all()

    def receive(
        self, count: int, wait: float, visibility: float, client_gone: Callable[[], bool] = lambda: False
    ) -> list[Received]:
        """Up to `count` messages, hidden for `visibility` seconds. Waits for the first one up to `wait` seconds.

        A client that has gone gets nothing, so that the next one need not wait until the messages are visible again.
        """
        until = time.monotonic() + wait
        with self._changed:
            started = self._polls_ended
            while True:
                if client_gone():
                    return []
                taken, dead = self._take(count, visibility)
                left = until - time.monotonic()
                if taken or dead or left <= 0 or self._closed or self._polls_ended != started:
                    break
                self.polls += 1
                self._changed.wait(min(left, _LOOK_SECONDS, self._next_due()))
                self.polls -= 1
        for message in dead:
            self.dead_letter_queue.add_message(message)
        return taken

    def delete_message(self, receipt_handle: str) -> None:
        """Delete by any handle that the message ever had. Succeeds if it is deleted already."""
        message_id = _message_id(receipt_handle)
        with self._changed:
            self._all.pop(message_id, None)
            self._waiting.pop(message_id, None)
            self._hidden.pop(message_id, None)

    def change_visibility(self, receipt_handle: str, seconds: float) -> None:
        """Hide a received message for so long from now. 0 makes it available at once."""
        message_id = _message_id(receipt_handle)
        with self._changed:
            if message_id in self._hidden:
                self._hide(message_id, seconds)
                self._changed.notify_all()

    def end_polls(self) -> None:
        """Answer the long polls that are waiting, without messages."""
        with self._changed:
            self._polls_ended += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End long polls, and let no other begin."""
        self._closed = True
        self.end_polls()

    def _set_attributes(self, attributes: dict[str, Any], now: float | None = None) -> None:
        """As in moto, which would forget the policy if the attributes have none."""
        policy = getattr(self, "policy", None)
        super()._set_attributes(attributes, now)
        if "Policy" not in attributes and policy:
            self.policy = policy

    def _take(self, count: int, visibility: float) -> tuple[list[Received], list[Message]]:
        """Messages for a client, and those that have been received too often."""
        self._uncover()
        taken: list[Received] = []
        dead: list[Message] = []
        most = self.redrive_policy["maxReceiveCount"] if self.dead_letter_queue is not None else None
        while self._waiting and len(taken) < count:
            message_id, message = self._waiting.popitem(last=False)
            if most is not None and message.approximate_receive_count >= most:
                dead.append(self._all.pop(message_id))
                continue
            message.approximate_receive_count += 1
            message.approximate_first_receive_timestamp = message.approximate_first_receive_timestamp or int(
                time.time() * 1000
            )
            handle = f"{uuid4().hex}#{message_id}"
            taken.append(
                Received(
                    handle, message, message.approximate_receive_count, message.approximate_first_receive_timestamp
                )
            )
            self._hide(message_id, visibility)
        return taken, dead

    def _hide(self, message_id: str, seconds: float) -> None:
        due = time.monotonic() + seconds
        self._hidden[message_id] = due
        heapq.heappush(self._heap, (due, next(self._numbers), message_id))

    def _uncover(self) -> None:
        """Make the hidden messages available whose time has come."""
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            due, _, message_id = heapq.heappop(self._heap)
            if self._hidden.get(message_id) == due:
                del self._hidden[message_id]
                self._waiting[message_id] = self._all[message_id]

    def _next_due(self) -> float:
        """Seconds until the next hidden message is available."""
        return max(self._heap[0][0] - time.monotonic(), 0.001) if self._heap else _LOOK_SECONDS


def _message_id(handle: str) -> str:
    _, separator, message_id = handle.partition("#")
    if not separator:
        raise InvalidHandle(handle)
    return message_id


class InvalidHandle(ValueError):
    """No receipt handle of this emulator."""


def end_polls() -> None:
    """Answer all long polls that are waiting."""
    for queue in _queues():
        queue.end_polls()


def polls() -> int:
    """How many clients are waiting for a message, for tests."""
    return sum(queue.polls for queue in _queues())


def close_queues() -> None:
    """Before all queues are forgotten: a client may still wait for a message, or be about to."""
    for queue in _queues():
        queue.close()


def _queues() -> list[Queue]:
    backends = [backend for regions in list(models.sqs_backends.values()) for backend in list(regions.values())]
    return [queue for backend in backends for queue in list(backend.queues.values())]


models.Queue = Queue
