"""Import the mail of a claimed import: a batch is stored, then its place is committed, and then the next one begins.

A process may be killed anywhere. A batch whose place was not committed is imported again, which leaves what is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import IO, cast

from django.db import transaction
from django.db.models.functions import Now

from archives.claims import CLAIM, REMEMBERED, Lost, release, renew, update
from archives.format.names import Place
from archives.format.reading.archive import reopened
from archives.format.reading.refusal import Refused
from archives.imports.mails import Batch, DomainGone, import_batches
from archives.models import Import
from archives.uploads.start import AGAIN
from domains.models import Domain
from ses_integration.api import NotStored, StoredMail

INTERRUPTED = f"The request ended before the archive was stored, so its mail is not imported. {AGAIN}"
# How long an import waits for what becomes of its domain.
LATER = timedelta(minutes=1)


def work_on(row: Import, *, until: float, stop: Callable[[], bool]) -> bool:
    """Import batches until `until`, a value of `time.monotonic()`, but at least one. Returns whether all mail is imported.

    Needs the claim, and releases it. Raises SesError and Lost.
    """
    domain = Domain.objects.filter(pk=row.domain_id).first()
    if domain is None:
        # Somebody has deleted it by hand.
        with transaction.atomic(durable=True):
            Import.objects.filter(pk=row.pk).end()
        raise Lost
    if domain.deleting_since is not None:
        # It may still be restored.
        update(row, retry_at=Now() + LATER)
        return False
    if row.state == Import.State.PENDING:
        update(row, state=Import.State.RUNNING)
    try:
        if not _import(row, domain, until, stop):
            release(row)
            return False
    except NotStored as error:
        fail(row, f"{error.sentence} {AGAIN}")
        return False
    except Refused as error:
        fail(row, str(error))
        return False
    except DomainGone:
        update(row, retry_at=Now() + LATER)
        return False
    # Its archive is of no use any more.
    update(row, state=Import.State.ERASING, ended=Import.State.DONE, finished_at=Now(), retry_at=Now())
    return True


def _import(row: Import, domain: Domain, until: float, stop: Callable[[], bool]) -> bool:
    """Whether all mail is imported now."""
    archive = reopened(cast("IO[bytes]", row.archive.open(row.tag, row.bytes)))
    place = Place(row.folder, row.line)
    with closing(import_batches(archive, domain, place, beat=lambda: renew(row))) as batches:
        for batch in batches:
            _commit(row, batch)
            if stop() or time.monotonic() > until:
                return False
    return True


def _commit(row: Import, batch: Batch) -> None:
    counts = batch.counts
    update(
        row,
        folder=batch.last.folder,
        line=batch.last.line,
        stored=row.stored + counts.stored,
        existing=row.existing + counts.existing,
        missing=row.missing + counts.missing,
        failures=0,
        problem="",
        stalled=False,
        progressed_at=Now(),
        retry_at=Now() + CLAIM,
    )


def fail(row: Import, why: str) -> None:
    """End it, and let the archive be erased. Needs the claim. Raises Lost."""
    State = Import.State
    ended = {"problem": why[:500], "stalled": False, "finished_at": Now(), "retry_at": Now()}
    update(row, state=State.ERASING, ended=State.FAILED, **ended)


def erase(row: Import) -> None:
    """Erase every version of the archive. Needs the claim. Raises SesError and Lost."""
    StoredMail(row.archive.key, row.bucket).erase()
    with transaction.atomic(durable=True):
        if not Import.objects.filter(pk=row.pk, domain_gone=True).delete()[0]:
            # Of the erasure, if the import itself had none.
            problem = "" if row.ended == Import.State.DONE else row.problem
            over = {"tag": "", "stalled": False, "failures": 0, "problem": problem}
            update(row, state=row.ended, retry_at=Now() + REMEMBERED, **over)
