"""Let imports that wait after an error go on at once."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from archives.models import Import
from audit.actions import Action
from audit.record import Entry, record_all
from domains.models import Domain

AT_ONCE = 200


def try_now(rows: QuerySet[Import]) -> int:
    """Try these again now, and return how many that are: those that have failed since their last progress.

    One that a process has just claimed again loses nothing: the other process finds what it has committed.
    """
    waiting = Import.objects.filter(state__in=Import.UNFINISHED, failures__gt=0, retry_at__gt=Now(), domain_gone=False)
    with transaction.atomic(durable=True):
        found = list(waiting.filter(pk__in=rows.values("pk")).select_for_update().order_by("pk").defer("ids")[:AT_ONCE])
        Import.objects.filter(pk__in=[row.pk for row in found]).update(retry_at=Now())
        record_all(
            # Of the domain, as the import itself.
            Entry.of(
                Action.RETRIED,
                Domain(pk=row.domain_id),
                row.account_id,
                name=row.domain_name,
                after={"importId": row.pk},
            )
            for row in found
        )
    return len(found)
