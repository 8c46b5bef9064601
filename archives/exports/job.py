"""Make the archive of a claimed export: each part is stored, then committed, and then the next one begins.

A process may be killed anywhere. What is committed is in S3. A part that was stored and not committed is stored again with
other contents, and S3 takes the last ones.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from archives.building.build import Part, SoFar, part_bytes, parts
from archives.building.done import Done, packed
from archives.building.mails import Stopped
from archives.building.scope import Scope
from archives.claims import RENEW_SECONDS, Lost, release, renew, update
from archives.format.writer import Written
from archives.models import Export, ExportPart
from domains.models import Domain
from ses_integration.api import StoredArchive

# How long an export waits for what becomes of its domain.
LATER = timedelta(minutes=1)


def work_on(export: Export, *, until: float, stop: Callable[[], bool]) -> bool:
    """Make parts until `until`, a value of `time.monotonic()`, but at least one. Returns whether the archive is complete.

    Needs the claim, and releases it. Raises SesError and Lost.
    """
    domain = Domain.objects.filter(pk=export.domain_id).first()
    if domain is None:
        # Somebody has deleted it by hand.
        Export.objects.filter(pk=export.pk).end()
        raise Lost
    if domain.deleting_since is not None:
        # It may still be restored.
        update(export, retry_at=Now() + LATER)
        return False
    try:
        _begin(export)
        if not export.is_whole:
            scope = Scope.for_account(domain, export.created_at, export.account_id, secrets=export.includes_secrets)
            return _make_parts(export, scope, until, stop)
        complete(export)
        return True
    except StoredArchive.UploadOver as error:
        _start_again(export, error.sentence)
    except Stopped:
        release(export)
    return False


def _begin(export: Export) -> None:
    if export.state == Export.State.PENDING:
        update(export, state=Export.State.RUNNING)
    if not export.upload:
        # Killed here, it leaves an upload without a part, which is ended when the archive is erased.
        update(export, upload=export.archive.begin())


def _make_parts(export: Export, scope: Scope, until: float, stop: Callable[[], bool]) -> bool:
    so_far = _so_far(export)
    renewed = time.monotonic()

    def stopped() -> bool:
        nonlocal renewed
        if time.monotonic() > renewed + RENEW_SECONDS:
            renew(export)
            renewed = time.monotonic()
        return stop()

    size = part_bytes(export.mail_bytes)
    with closing(parts(scope, so_far, size=size, stop=stopped)) as made:
        for part in made:
            with part.file as file:
                renew(export)
                renewed = time.monotonic()
                tag = export.archive.upload(export.upload, part.number, file)
            so_far.add(part)
            _commit(export, part, tag, so_far)
            if part.is_last:
                complete(export)
                return True
            if time.monotonic() > until:
                break
    release(export)
    return False


def _so_far(export: Export) -> SoFar:
    mails = export.stored_parts.values_list("mails", flat=True).iterator(100)
    return SoFar(
        directories=lambda: _directories(export),
        files=lambda: _files(export),
        parts=export.parts,
        bytes=export.bytes,
        entries=export.entries,
        counts=Counter(export.counts),
        done=Done(map(bytes, mails)),
    )


def _directories(export: Export) -> Iterable[bytes]:
    rows = export.stored_parts.order_by("number").values_list("directory", flat=True)
    return (zlib.decompress(bytes(directory)) for directory in rows.iterator(50))


def _files(export: Export) -> Iterator[Written]:
    for part in export.stored_parts.order_by("number").only("files").iterator(50):
        yield from part.written


def _commit(export: Export, part: Part, tag: str, so_far: SoFar) -> None:
    files = [[file.name, file.bytes, file.sha256] for file in part.files]
    with transaction.atomic(durable=True):
        renew(export)
        ExportPart.objects.create(
            export=export,
            number=part.number,
            tag=tag,
            directory=zlib.compress(part.directory),
            files=files,
            mails=packed(part.mails),
        )
        values = {
            "parts": so_far.parts,
            "bytes": so_far.bytes,
            "entries": so_far.entries,
            "counts": dict(so_far.counts),
        }
        # The last part makes it whole. Until it is put together, it must not be built once more.
        update(export, **values, failures=0, problem="", stalled=False, progressed_at=Now(), is_whole=part.is_last)


def complete(export: Export) -> None:
    """Let S3 put the parts together. Raises SesError and Lost."""
    renew(export)
    tags = export.stored_parts.order_by("number").values_list("number", "tag")
    export.archive.complete(export.upload, tags, export.bytes)
    with transaction.atomic(durable=True):
        ExportPart.objects.filter(export=export).delete()
        expiry = Now() + timedelta(days=settings.EXPORT_KEEP_DAYS)
        ready = {"state": Export.State.READY, "upload": "", "problem": "", "stalled": False, "failures": 0}
        update(export, **ready, finished_at=Now(), expires_at=expiry, retry_at=expiry)


def _start_again(export: Export, why: str) -> None:
    """Begin with the first part, because S3 has none of them any more."""
    with transaction.atomic(durable=True):
        update(export, upload="", parts=0, bytes=0, entries=0, counts={}, is_whole=False, problem=why, retry_at=Now())
        ExportPart.objects.filter(export=export).delete()
