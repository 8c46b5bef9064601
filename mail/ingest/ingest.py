"""Ingest one claimed mail: fetch it, parse it, and store the result, once, whichever processes try."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from django.db import DataError, IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from mail.ingest.claims import FETCH_SECONDS, held
from mail.ingest.columns import columns
from mail.ingest.room import MEGABYTE, Room
from mail.models import ClaimedMessage, Message
from mail.parsing import limits
from mail.parsing.parsed import ParsedMail
from mail.parsing.pool import Parser
from mail.routing.record import route_messages
from mail.threads.references import record_references
from ses_integration.api import NotStored, SesError, StoredMail, retry_delay

logger = logging.getLogger(__name__)

IN_MEMORY = MEGABYTE
# SES tries for this long to write a mail (docs/architecture/ses.md, "Late storage").
GIVE_UP_AFTER = timedelta(hours=4)
NOT_THERE = "S3 does not have the mail: it may have been deleted from the bucket, or SES could not store it."
NOT_STORABLE = "The database refused what was read from the mail."
TOO_SLOW = "S3 took too long to send the mail."


class Outcome(StrEnum):
    INGESTED = "ingested"
    # Ingested, and there is something to deliver.
    ROUTED = "routed"
    MISSING = "missing"
    # Something failed: it is tried again.
    POSTPONED = "postponed"
    # There was no room for it: it is in `room`.
    ASIDE = "put aside"
    # Another process has stored its result, or the mail is being erased.
    TAKEN = "taken"


class NoRoom(Exception):
    """The mail was put aside."""


def ingest(claim: ClaimedMessage, parser: Parser, room: Room) -> tuple[Outcome, SesError | None]:
    """Ingest a mail, and return what became of it, with the error of S3 if there was one. Raises DatabaseError."""
    try:
        with _fetched(claim, room) as (file, size):
            parsed = parser.parse(file)
    except NoRoom:
        return Outcome.ASIDE, None
    except NotStored as error:
        if timezone.now() > claim.arrived_at + GIVE_UP_AFTER:
            return _finish(
                claim, Outcome.MISSING, state=Message.State.MISSING, problem=NOT_THERE, ingested_at=None
            ), None
        return _postpone(claim, error)
    except SesError as error:
        return _postpone(claim, error)
    return _store(claim, parsed, size), None


@contextmanager
def _fetched(claim: ClaimedMessage, room: Room) -> Iterator[tuple[BinaryIO, int]]:
    """The mail in a file, and its size in the bucket. Raises NoRoom, SesError."""
    has_room = True
    try:
        until = time.monotonic() + FETCH_SECONDS
        size, pieces = StoredMail(claim.key, claim.bucket).stream()
        with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            # A generator: it lets go of its connection only if it has begun.
            with closing(cast("Any", pieces)):
                piece = next(pieces, b"")
                has_room = room.take(claim, min(size, limits.FETCHED))
                if not has_room:
                    raise NoRoom
                left = limits.FETCHED
                while piece and left:
                    left -= file.write(piece[:left])
                    if time.monotonic() > until:
                        raise SesError(TOO_SLOW)
                    piece = next(pieces, b"")
            file.seek(0)
            yield cast("BinaryIO", file), size
    finally:
        # If it was put aside, another thread may have it by now.
        if has_room:
            room.give(claim)


def _store(claim: ClaimedMessage, parsed: ParsedMail, size: int) -> Outcome:
    values = {"state": Message.State.INGESTED, "size": size}
    try:
        return _finish_and_route(claim, parsed, **values, **columns(parsed, claim.arrived_at))
    except (DataError, IntegrityError, ValueError):
        # A bug, which must not keep the mail from being listed: it is there to be downloaded.
        logger.exception("Message %s: the database refused what was read from it.", claim.pk)
        return _finish_and_route(claim, ParsedMail(), **values, parse_error=NOT_STORABLE)


def _finish_and_route(claim: ClaimedMessage, parsed: ParsedMail, **values: Any) -> Outcome:
    """Store what was read, and route the mail, in one transaction: no mail is read and then forgotten."""
    with transaction.atomic():
        outcome = _finish(claim, Outcome.INGESTED, **values)
        if outcome == Outcome.INGESTED:
            record_references(claim.pk, parsed)
            if route_messages([claim.pk]):
                return Outcome.ROUTED
    return outcome


def _finish(claim: ClaimedMessage, outcome: Outcome, **values: Any) -> Outcome:
    values = {"retry_at": None, "problem": "", "ingested_at": Now(), **values}
    return outcome if held(claim).update(**values) else Outcome.TAKEN


def _postpone(claim: ClaimedMessage, error: SesError) -> tuple[Outcome, SesError | None]:
    delay = retry_delay(claim.attempts, error=error)
    postponed = held(claim).update(retry_at=Now() + delay, problem=error.sentence[:500])
    return (Outcome.POSTPONED if postponed else Outcome.TAKEN), error
