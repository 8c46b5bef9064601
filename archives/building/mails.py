"""The mails of a domain that an archive does not have yet, with their stored bytes."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, cast

from django.db.models import Q

from archives.building.done import Done
from archives.format.values import exact, exact_or_none
from mail.models import Message, ReceivedEmail
from ses_integration.api import NotStored, StoredMail, release_connection

# How many are listed, and loaded, at a time.
LISTED, LOADED = 1000, 200
THREADS = 8
# Fetched and not yet written: what is larger than this is on disk meanwhile.
AHEAD, IN_MEMORY = 16, 512 * 1024
# SES takes mail of up to 40 MB.
MOST_BYTES = 1024 * 1024 * 1024
# How often the list is gone through again for what has arrived meanwhile. Each time takes what is new, so it is mostly once.
ROUNDS = 10
COLUMNS = (
    "domain", "bucket", "key", "ses_id", "source", "envelope_from", "spf", "dkim", "dmarc", "dmarc_policy", "spam", "virus",
    "arrived_at", "noted_at", "rfc_id", "deleted_for", "state",
)  # fmt: skip


class Stopped(Exception):
    """The process is to end. What is not committed is left to the next one."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`values`: its line in the index. `content`: its bytes, to be closed. None if S3 does not have them."""

    pk: int
    arrived_at: datetime
    values: dict[str, Any]
    emails: int
    content: IO[bytes] | None


class Mails:
    """Fetches several at a time. `gone`: how many were erased between being listed and being loaded."""

    def __init__(self, domain_id: str, done: Done, stop: Callable[[], bool] = lambda: False) -> None:
        self._domain_id = domain_id
        self._done = done
        self._stop = stop
        self.gone = 0

    def __iter__(self) -> Generator[Mail, None, None]:
        """All mails that are not done, oldest first. At the end, the list has nothing more. Raises SesError and Stopped."""
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in range(ROUNDS):
                found = False
                for mail in self._round(pool):
                    found = True
                    yield mail
                if not found:
                    return

    def _round(self, pool: ThreadPoolExecutor) -> Iterator[Mail]:
        ahead: deque[tuple[Message, list[ReceivedEmail], Future[IO[bytes] | None]]] = deque()
        try:
            for message, emails in self._rows():
                if self._stop():
                    raise Stopped
                ahead.append((message, emails, pool.submit(fetch, message)))
                if len(ahead) >= AHEAD:
                    yield from self._fetched(*ahead.popleft())
            while ahead:
                yield from self._fetched(*ahead.popleft())
        finally:
            for *_, future in ahead:
                future.cancel()
                future.add_done_callback(_close)

    def _fetched(
        self, message: Message, emails: list[ReceivedEmail], fetched: Future[IO[bytes] | None]
    ) -> Iterator[Mail]:
        content = fetched.result()
        if content is None and not Message.objects.filter(pk=message.pk).exclude(state=Message.State.ERASING).exists():
            # Somebody has deleted it meanwhile.
            self.gone += 1
            self._done.add(message.pk)
            return
        yield Mail(message.pk, message.arrived_at, values_of(message, emails), len(emails), content)

    def _rows(self) -> Iterator[tuple[Message, list[ReceivedEmail]]]:
        waiting: list[int] = []
        for pk in self._pks():
            waiting.append(pk)
            if len(waiting) == LOADED:
                yield from self._load(waiting)
                waiting = []
        yield from self._load(waiting)

    def _pks(self) -> Iterator[int]:
        """In the order of an index. A mail that is found late has an earlier place, which the next round comes to."""
        after = Q()
        while True:
            rows = Message.objects.filter(after, domain=self._domain_id).exclude(state=Message.State.ERASING)
            page = list(rows.order_by("arrived_at", "pk").values_list("arrived_at", "pk")[:LISTED])
            yield from (pk for _, pk in page if pk not in self._done)
            if len(page) < LISTED:
                return
            at, pk = page[-1]
            after = Q(arrived_at__gt=at) | Q(arrived_at=at, pk__gt=pk)

    def _load(self, pks: list[int]) -> Iterator[tuple[Message, list[ReceivedEmail]]]:
        if not pks:
            return
        rows = Message.objects.filter(pk__in=pks).exclude(state=Message.State.ERASING).only(*COLUMNS)
        messages = list(rows.order_by("arrived_at", "pk"))
        emails: dict[int, list[ReceivedEmail]] = {}
        for email in ReceivedEmail.objects.filter(message__in=pks).order_by("recipient"):
            emails.setdefault(email.message_id, []).append(email)
        release_connection()
        self.gone += len(pks) - len(messages)
        yield from ((message, emails.get(message.pk, [])) for message in messages)


def fetch(message: Message) -> IO[bytes] | None:
    """The stored bytes in a file, or None if S3 does not have them. Raises SesError."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - whoever writes the mail closes it
    try:
        StoredMail(message.key, message.bucket).fetch(cast(Any, file), MOST_BYTES)
    except NotStored:
        file.close()
        return None
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return cast("IO[bytes]", file)


def _close(future: Future[IO[bytes] | None]) -> None:
    if not future.cancelled() and future.exception() is None and (file := future.result()) is not None:
        file.close()


def values_of(message: Message, emails: list[ReceivedEmail]) -> dict[str, Any]:
    """A mail's line in the index, without what is known only once its bytes are written."""
    return {
        "sesMessageId": message.ses_id,
        "messageId": message.rfc_id or None,
        "envelopeFrom": message.envelope_from or None,
        "arrivedAt": exact(message.arrived_at),
        "notedAt": exact(message.noted_at),
        "source": message.source,
        # SES's own words; null if it said nothing.
        "verdicts": {
            "spf": message.spf or None,
            "dkim": message.dkim or None,
            "dmarc": message.dmarc or None,
            "dmarcPolicy": message.dmarc_policy or None,
            "spam": message.spam or None,
            "virus": message.virus or None,
        },
        "deletedFor": message.deleted_for,
        "emails": [
            {
                "id": email.pk,
                "recipient": email.recipient or None,
                "disposition": email.disposition,
                "route": email.route or None,
                "isRead": email.is_read,
                "readAt": exact_or_none(email.read_at),
                "isArchived": email.is_archived,
                "archivedAt": exact_or_none(email.archived_at),
            }
            for email in emails
        ],
    }
