"""Import an uploaded archive: the domain in the request, and its mail later."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import IO, Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from archives.claims import CLAIM, REMEMBERED, RENEW_SECONDS, Lost, let_go, renew, update
from archives.imports.facts import to_fill_in
from archives.imports.mails import DomainGone, record_mail
from archives.imports.refusals import CannotImport
from archives.imports.service import Foreseen, Prepared, existing_domain, foresee, import_domain
from archives.models import Import
from backoffice.text import shortened
from domains.models import Domain, lock_live_domain
from ses_integration.api import NotConfigured, SesError

logger = logging.getLogger(__name__)

# Of what is left to fill in.
MOST_SENTENCES = 100
AGAIN = "Import the same file again with its mail: what is there stays, and the rest is added."


class ImportRunning(CannotImport):
    """Mail of the domain is being imported already."""

    def __init__(self, row: Import) -> None:
        super().__init__("Mail of this domain is being imported already. Wait until that is done.", "IMPORT_RUNNING")
        self.row = row

    @property
    def values(self) -> dict[str, Any]:
        return super().values | {"importId": self.row.pk}


def require_bucket() -> None:
    """Raise NotConfigured unless mail can be imported."""
    if not settings.S3_BUCKET_NAME:
        raise NotConfigured("S3_BUCKET_NAME is missing.")


def foresee_upload(prepared: Prepared, *, with_mail: bool) -> Foreseen:
    """What `import_archive` would do now. Changes nothing."""
    foreseen = foresee(prepared, with_mail=with_mail)
    running = _unfinished(foreseen.existing) if foreseen.existing else None
    return foreseen if running is None else replace(foreseen, conflict=ImportRunning(running))


def import_archive(prepared: Prepared, file: IO[bytes], *, with_mail: bool = False) -> Import:
    """Import the configuration, and leave the mail to the mail worker. If the owner has the domain, only mail that it lacks.

    Waits until SES has confirmed the domain or the deadline ends, and until the archive is in the bucket. If S3 fails then, the
    import has failed, and its `problem` says what to do: the domain is there.
    Raises CannotImport, also as ImportRunning, and NotConfigured: then nothing has changed.
    """
    if with_mail:
        require_bucket()
    existing = existing_domain(prepared) if with_mail else None
    if existing is not None:
        row = _complete(prepared, existing, file)
    else:
        row = Import()

        def note(domain: Domain) -> None:
            nonlocal row
            row = _insert(prepared, domain, file, with_mail=with_mail)

        imported = import_domain(prepared, note)
        if imported.warning:
            row.warning = imported.warning
            Import.objects.filter(pk=row.pk).update(warning=row.warning)
    if row.state == Import.State.STORING:
        _store(row, file)
    return row


def _complete(prepared: Prepared, existing: Domain, file: IO[bytes]) -> Import:
    """Begin the import of mail into a domain that exists."""
    try:
        with transaction.atomic(durable=True):
            domain = lock_live_domain(existing.pk)
            if (running := _unfinished(domain)) is not None:
                raise ImportRunning(running)
            return _insert(prepared, domain, file, with_mail=True, existed=True)
    except Domain.DoesNotExist:
        raise CannotImport(str(DomainGone(existing.name))) from None


def _unfinished(domain: Domain) -> Import | None:
    return Import.objects.filter(domain=domain).unfinished().defer("ids").first()


def _insert(prepared: Prepared, domain: Domain, file: IO[bytes], *, with_mail: bool, existed: bool = False) -> Import:
    """Write the row, in the transaction that has inserted or locked the domain."""
    configuration, counts = prepared.configuration, prepared.archive.manifest["counts"]
    row = Import(domain=domain, domain_name=domain.name, account_id=domain.owner_id, existed=existed)
    row.bucket = settings.S3_BUCKET_NAME
    row.with_mail, row.bytes = with_mail, file.seek(0, 2)
    if not existed:
        row.created, row.ids = configuration.new_rows, configuration.ids
        row.to_fill_in = shortened(to_fill_in(configuration), MOST_SENTENCES)
    if with_mail:
        row.mails = counts["mails"]
    if row.mails:
        # This process has a claim.
        row.state, row.attempts, row.retry_at = Import.State.STORING, 1, Now() + CLAIM
    else:
        row.finished_at, row.retry_at = Now(), Now() + REMEMBERED
    row.save(force_insert=True)
    row.refresh_from_db(fields=["finished_at", "progressed_at"])
    record_mail(domain, row.mails, importId=row.pk)
    return row


def _store(row: Import, file: IO[bytes]) -> None:
    """Store the archive below the domain's prefix, and let the mail worker go on. Killed here, the import has failed
    (`archives/uploads/job.py`)."""
    try:
        tag = row.archive.store(cast("IO[bytes]", Watched(file, row)))
        update(row, state=Import.State.PENDING, tag=tag, retry_at=Now(), progressed_at=Now())
    except SesError as error:
        logger.warning("The import %s: %s", row.pk, error.sentence)
        _give_up(row, f"{error.sentence} {AGAIN}")
    except Lost:
        _let_go(row)


def _give_up(row: Import, why: str) -> None:
    """Its call may still be under way, so the archive is erased when the claim ends."""
    try:
        update(row, state=Import.State.ERASING, ended=Import.State.FAILED, problem=why[:500], finished_at=Now())
    except Lost:
        _let_go(row)
    else:
        row.refresh_from_db(fields=["finished_at"])


def _let_go(row: Import) -> None:
    """The domain is being deleted, or this process was stopped for so long that its claim has ended."""
    let_go(row)
    found = Import.objects.filter(pk=row.pk, domain_gone=False).defer("ids").first()
    row.state, row.ended = Import.State.ERASING, Import.State.FAILED
    row.problem = found.problem if found else str(DomainGone(row.domain_name))


class Watched:
    """A file that keeps the claim while it is read. Raises Lost without the claim: S3 then stores nothing."""

    def __init__(self, file: IO[bytes], row: Import) -> None:
        self._file = file
        self._row = row
        self._renewed = time.monotonic()
        file.seek(0)

    def read(self, count: int = -1) -> bytes:
        if time.monotonic() > self._renewed + RENEW_SECONDS:
            renew(self._row)
            self._renewed = time.monotonic()
        return self._file.read(count)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
