"""Erase archives: those that have expired or failed, and those of domains that are being deleted."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from archives.exports.claims import update
from archives.models import Export, ExportPart

# How long the list of exports tells what became of one.
REMEMBERED = timedelta(days=30)


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
