"""Erase archives: those that have expired or failed, and those of domains that are being deleted."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from archives.claims import REMEMBERED, update
from archives.models import Export, ExportPart


def expire(export: Export) -> None:
    """Nobody can download it from now on. Needs the claim. Raises Lost."""
    update(export, state=Export.State.ERASING, ended=Export.State.EXPIRED, retry_at=Now())


def erase(export: Export) -> None:
    """Erase every version of the archive and every upload of it. Needs the claim. Raises SesError and Lost."""
    export.archive.erase()
    with transaction.atomic(durable=True):
        ExportPart.objects.filter(export=export).delete()
        if not Export.objects.filter(pk=export.pk, domain_gone=True).delete()[0]:
            update(export, state=export.ended, upload="", finished_at=Now(), retry_at=Now() + REMEMBERED)
