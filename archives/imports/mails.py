"""Import the mail of an archive as history, in batches. What exists is left, so a second run goes on where the first stopped."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, cast

from archives.format.names import START, Place
from archives.format.reading.archive import Archive
from archives.format.reading.contents import Content
from archives.format.reading.refusal import damaged
from audit.actions import Action
from audit.record import Entry, record
from domains.models import Domain
from mail.arrival.imported import ImportedMail, imported, note_imported
from mail.erasure.stored import erase_again
from ses_integration.api import StoredMail, release_connection

Values = dict[str, Any]

Mail = tuple[Values, Content | None]

# Mails of a batch, and about how many bytes. They wait for S3 in files, on disk if one is larger than IN_MEMORY.
BATCH, BATCH_BYTES, THREADS, IN_MEMORY = 50, 64 * 1024 * 1024, 8, 256 * 1024
BEAT_SECONDS = 10.0
RECIPIENT = re.compile(r"[^\s\x00-\x1f\x7f]+@[!-~]+")
MOST_OF_A_RECIPIENT = 320
VERDICTS = {
    "spf": "spf",
    "dkim": "dkim",
    "dmarc": "dmarc",
    "dmarcPolicy": "dmarc_policy",
    "spam": "spam",
    "virus": "virus",
}


class DomainGone(Exception):
    """The domain was deleted while its mail was being imported. The message is a sentence for people."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was deleted meanwhile, so no more of its mail is imported.")


@dataclass
class ImportedMails:
    """`stored`: mails whose bytes this run has stored. `existing`: mails that were there already. `missing`: mails that the
    archive does not have, because S3 did not have them."""

    stored: int = 0
    existing: int = 0
    missing: int = 0

    def add(self, other: ImportedMails) -> None:
        self.stored += other.stored
        self.existing += other.existing
        self.missing += other.missing


@dataclass(frozen=True, slots=True)
class Batch:
    """`last`: the place of its last mail in the archive."""

    last: Place
    counts: ImportedMails


def import_mails(archive: Archive, domain: Domain) -> ImportedMails:
    """Store what the domain does not have of the archive's mail. Raises Refused, DomainGone, SesError and OSError.

    What an error leaves is complete mail by mail: run it again.
    """
    record_mail(domain, archive.manifest["counts"]["mails"])
    total = ImportedMails()
    for batch in import_batches(archive, domain):
        total.add(batch.counts)
    return total


def record_mail(domain: Domain, mails: int, **more: str) -> None:
    """Put the import of mail into the audit log."""
    if mails:
        record(Entry.of(Action.IMPORTED, domain, domain.owner_id, after={"mails": mails, **more}))


def import_batches(
    archive: Archive, domain: Domain, after: Place = START, beat: Callable[[], None] = lambda: None
) -> Generator[Batch]:
    """Import the mails behind a place, batch by batch, and yield each that is stored. Raises as `import_mails`.

    Close it to stop. `beat` is called every few seconds; what it raises ends the import when no call to S3 is under way.
    """
    mails = archive.mails_after(after)
    with ThreadPoolExecutor(THREADS) as pool:
        while batch := list(_some(mails)):
            yield Batch(batch[-1][0], _import([mail for _, mail in batch], domain, pool, beat))


def _some(mails: Iterator[tuple[Place, Mail]]) -> Iterator[tuple[Place, Mail]]:
    """The mails of a batch."""
    size = 0
    for place, (values, content) in islice(mails, BATCH):
        yield place, (values, content)
        size += values["bytes"] or 0
        if size >= BATCH_BYTES:
            return


def _import(batch: list[Mail], domain: Domain, pool: ThreadPoolExecutor, beat: Callable[[], None]) -> ImportedMails:
    contents = {values["sesMessageId"]: (values, content) for values, content in reversed(batch)}
    beat()
    try:
        waiting = note_imported(domain, [_mail(values, domain.name) for values, _ in contents.values()])
    except Domain.DoesNotExist as error:
        raise DomainGone(domain.name) from error
    release_connection()
    calls: list[Future[None]] = []
    try:
        for ses_id in waiting:
            values, content = contents[ses_id]
            if content is not None:
                calls.append(pool.submit(_store, domain.key_prefix + ses_id, _spooled(values, content)))
        while wait(calls, BEAT_SECONDS).not_done:
            beat()
    finally:
        # Also after an error: no call may be under way any more.
        failed = [call for call in calls if call.exception()]
        _take_back_what_was_deleted(domain, waiting)
    for call in failed:
        call.result()
    imported(waiting.values())
    if not Domain.objects.live().filter(pk=domain.pk).exists():
        # In a grace period, what is stored stays, as all of its mail.
        raise DomainGone(domain.name)
    return ImportedMails(
        stored=len(waiting),
        existing=sum(content is not None and ses_id not in waiting for ses_id, (_, content) in contents.items()),
        missing=sum(content is None for _, content in contents.values()),
    )


def _take_back_what_was_deleted(domain: Domain, waiting: Mapping[str, int]) -> None:
    """Erase the bytes of mail that was deleted after it was noted: whoever deleted it may have found nothing to erase.

    Raises DomainGone if the domain was deleted for good. In a grace period its mail stays.
    """
    row = Domain.objects.filter(pk=domain.pk).only("deleting_since", "restorable_until").first()
    if row is None or (row.deleting_since and not row.restorable_until):
        # Its prefix may have been found empty before these were stored.
        for ses_id in waiting:
            StoredMail(domain.key_prefix + ses_id).erase()
        raise DomainGone(domain.name)
    erase_again(waiting.values())


def _spooled(values: Values, content: Content) -> BinaryIO:
    """The bytes in a file, compared with their hash: the archive may have been changed since it was verified."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - whoever stores the mail closes it
    try:
        for piece in content:
            file.write(piece)
        if content.sha256 != values["sha256"]:
            raise damaged(values["file"], "has changed meanwhile")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return cast("BinaryIO", file)


def _store(key: str, file: BinaryIO) -> None:
    with file:
        StoredMail(key).store(file)


def _mail(values: Values, name: str) -> ImportedMail:
    return ImportedMail(
        ses_id=values["sesMessageId"],
        arrived_at=datetime.fromisoformat(values["arrivedAt"]),
        has_bytes=values["file"] is not None,
        envelope_from=values["envelopeFrom"] or "",
        rfc_id=values["messageId"] or "",
        verdicts={column: values["verdicts"][member] or "" for member, column in VERDICTS.items()},
        deleted_for=values["deletedFor"],
        emails=dict(_emails(values["emails"], name)),
    )


def _emails(emails: list[Values], name: str) -> Iterator[tuple[str, Values]]:
    """The marks by recipient. What is no address of the domain is not known, as if nothing said who it was for."""
    for values in emails:
        recipient = (values["recipient"] or "").lower()
        yield (
            recipient if _is_address(recipient) and recipient.endswith(f"@{name}") else "",
            {
                "is_read": values["isRead"],
                "read_at": _time(values["readAt"]),
                "is_archived": values["isArchived"],
                "archived_at": _time(values["archivedAt"]),
            },
        )


def _is_address(text: str) -> bool:
    return len(text) <= MOST_OF_A_RECIPIENT and RECIPIENT.fullmatch(text) is not None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
