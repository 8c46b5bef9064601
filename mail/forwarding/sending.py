"""Send a mail to each of its members, one mail each, and record each at once: nobody gets a second one for another's sake."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import InterfaceError, OperationalError, close_old_connections

from mail.arrival.feedback import tags
from mail.delivery.result import Kind
from mail.forwarding import members
from mail.models import ForwardRecipient
from ses_integration.api import (
    SendingHalted,
    SendingRefused,
    SesError,
    Unanswered,
    release_connection,
    retry_delay,
    send_mail,
    sending_slot,
)

# SES may take this long to answer about a mail: large ones take time to send.
SEND_SECONDS = 20.0
LARGE_SEND_SECONDS = 50.0
LARGE = 5_000_000
# A thread waits for a slot at most this long. Then others may use it.
SLOT_SECONDS = 2.0
# As after so many failures: 8 to 16 seconds, or a quarter of an hour if somebody has to act.
AGAIN = 5
# How much longer than `until` the first mail may take, so that there is progress.
SPARE_SECONDS = 25.0
# Here it says that SES has not verified the address. Others may be verified.
OF_ONE_MEMBER = ("MessageRejected",)
DATABASE_SECONDS = 0.5
BUSY = "SES takes no more mails from this account at the moment, so this one waits its turn."


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why not everybody has been sent to. POSTPONED: it goes on later. FAILED: perhaps one was sent. LOST: not ours any more."""

    kind: Kind
    problem: str = ""
    retry_after: float | None = None


def send_to_all(
    recipients: Sequence[ForwardRecipient],
    sender: str,
    raw: bytes,
    record: Callable[[ForwardRecipient, str], None],
    *,
    until: float,
    is_ours: Callable[[], bool],
) -> Stopped | None:
    """Send to each, and `record` it with SES's id. Ends early at `until`, a value of `time.monotonic()`.

    The slot for the first is the caller's (`slot`).

    After the call and before the record nothing knows of the mail: a process that dies there sends a second one. SES has
    no token that would prevent it.
    """
    stopped: Stopped | None = None
    seconds = LARGE_SEND_SECONDS if len(raw) > LARGE else SEND_SECONDS
    for number, recipient in enumerate(recipients):
        if time.monotonic() + seconds > until + (0.0 if number else SPARE_SECONDS):
            return Stopped(Kind.POSTPONED, BUSY, 0.0)
        try:
            if number and (no_slot := slot()):
                return no_slot
            if not is_ours():
                return Stopped(Kind.LOST)
            ses_id = send_mail(sender, recipient.address, raw, tags=tags(recipient), seconds=seconds)
            _keep_trying(partial(record, recipient, ses_id), until + SPARE_SECONDS)
        except SendingRefused as error:
            members.record_failed([recipient], error.sentence)
        except SesError as error:
            members.record_problem(recipient, error.sentence)
            stopped = _stopped(error)
            if error.code not in OF_ONE_MEMBER:
                return stopped
    return stopped


def slot() -> Stopped | None:
    """Wait a little for a slot to send one mail. Returns why there is none."""
    until = time.monotonic() + SLOT_SECONDS
    try:
        while pause := sending_slot():
            if time.monotonic() + pause > until:
                return Stopped(Kind.POSTPONED, BUSY, pause)
            release_connection()
            time.sleep(pause)
    except SesError as error:
        return _stopped(error)
    return None


def _keep_trying(record: Callable[[], None], until: float) -> None:
    """SES has the mail, so this has to be known even if the database is away for a moment."""
    while True:
        try:
            return record()
        except (OperationalError, InterfaceError):
            if time.monotonic() > until:
                raise
            close_old_connections()
            time.sleep(DATABASE_SECONDS)


def _stopped(error: SesError) -> Stopped:
    if isinstance(error, SendingHalted):
        return Stopped(Kind.POSTPONED, error.sentence, error.retry_after)
    if isinstance(error, Unanswered):
        # Perhaps sent. The schedule limits how many copies that can make.
        return Stopped(Kind.FAILED, error.sentence)
    return Stopped(Kind.POSTPONED, error.sentence, retry_delay(AGAIN, error=error).total_seconds())
