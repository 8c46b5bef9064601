"""Publish a probe to the topic, and find out who receives it: a running mail worker, the web process, or the doctor."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from ses_integration.arrivals.probe import probe_is_recorded
from ses_integration.doctor.probes import mail
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.session import AwsSession

# A running reader has it within a second, unless it is busy.
READER_SECONDS = 3.0
PAUSE_SECONDS = 0.1
# Each look at the queue counts as a receipt of the messages that are in front, and after ten they are dead letters.
LOOKS = 3
LOOK_SECONDS = 2


class Receiver(Enum):
    READER = "reader"
    DOCTOR = "doctor"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Delivery:
    """`published`, `received`: the responses. `seconds`: until the probe was received, or until the doctor gave up."""

    published: Response
    receiver: Receiver = Receiver.NOBODY
    received: Response = field(default_factory=Response)
    seconds: float = 0.0


def deliver(aws: AwsSession, *, from_queue: bool, waiting: int) -> Delivery:
    """Publish the probe and wait for its receipt.

    `from_queue`: look into the queue if no reader takes it, unless so many are `waiting` that it cannot be seen.
    """
    published = mail.publish(aws)
    if not published.succeeded:
        return Delivery(published)
    began = time.monotonic()
    nonce = aws.names.token
    if _wait_for(lambda: probe_is_recorded(nonce)):
        return Delivery(published, Receiver.READER, seconds=time.monotonic() - began)
    received = Response()
    for _ in range(LOOKS if from_queue and waiting < mail.BATCH else 0):
        received = mail.receive(aws, LOOK_SECONDS)
        handles = [it["ReceiptHandle"] for it in received.body.get("Messages", []) if nonce in it["Body"]]
        if handles:
            seconds = time.monotonic() - began
            mail.delete(aws, handles[0])
            return Delivery(published, Receiver.DOCTOR, received, seconds)
        if not received.succeeded:
            break
    receiver = Receiver.READER if probe_is_recorded(nonce) else Receiver.NOBODY
    return Delivery(published, receiver, received, time.monotonic() - began)


def _wait_for(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + READER_SECONDS
    while not holds():
        if time.monotonic() >= until:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
