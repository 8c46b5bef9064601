"""What a restore must bring back: every row of a domain, column by column, and what SES and the bucket hold."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet

from domains.models import Domain
from inbound.tests.support.aws import identities, key_prefixes, rules, stored_keys
from ses_integration.emulator.server import Emulator

RELATED = (
    "email_addresses", "blocked_emails", "dns_records", "status_changes", "messages", "received_emails", "mail_counts",
)  # fmt: skip


def everything(ses: Emulator, domain: Domain) -> dict[str, Any]:
    """All of it, as values that can be compared."""
    rows: dict[str, Any] = {name: _values(getattr(domain, name).all()) for name in RELATED}
    rows["domain"] = _values(Domain.objects.filter(pk=domain.pk))
    rows["ses"] = (rules(ses), key_prefixes(ses), identities(ses))
    rows["bucket"] = stored_keys()
    return rows


def _values(rows: QuerySet[Any]) -> list[dict[str, Any]]:
    model: type[Model] = rows.model
    return list(rows.order_by(model._meta.pk.name if model._meta.pk else "pk").values())
