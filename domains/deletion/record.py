"""The record of a deletion: what it is opened with, and how it is changed by several at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from domains.models import Domain, DomainDeletion
from domains.provider import addresses_of, incarnation_of
from ses_integration.api import own_rule_names

Step = DomainDeletion.Step


def values_at_the_start(domain: Domain) -> dict[str, Any]:
    """What a new record of `domain` says, as long as its rows and its ledger are still there to tell.

    Of what another life of the name has left in SES, nothing: that is in the record of the other.
    """
    values: dict[str, Any] = {
        "name": domain.name,
        "owner_id": domain.owner_id,
        "told_records": [
            {"type": row.record_type, "name": row.name, "value": row.value}
            for row in domain.dns_records.order_by("record_type", "name", "id")
        ],
        "rule_names": own_rule_names(incarnation_of(domain, addresses_of(domain))),
        "region": settings.AWS_REGION,
        "rule_set": settings.SES_RULE_SET,
        "bucket": settings.S3_BUCKET_NAME,
    }
    if settings.KEEP_MAIL_ON_DOMAIN_DELETE:
        values |= {"stored_mail": Step.KEPT, "stored_mail_at": timezone.now()}
    return values


def turn() -> Q:
    """Records whose time has come, and that nobody has for themselves."""
    return Q(retry_at=None) | Q(retry_at__lte=Now())


@contextmanager
def changing(record: DomainDeletion, **as_it_was: Any) -> Iterator[DomainDeletion]:
    """Change the record as it is now, not as it was read: requests and workers may be at it together.

    Raises DomainDeletion.DoesNotExist if its fields are not `as_it_was`. Finishes a record that owes nothing any more.
    """
    with transaction.atomic():
        row = DomainDeletion.objects.select_for_update().get(pk=record.pk, **as_it_was)
        yield row
        if row.finished_at is None and not row.owed_steps:
            row.finished_at = timezone.now()
        row.save()
    record.refresh_from_db()
