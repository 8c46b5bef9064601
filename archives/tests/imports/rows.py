"""What a domain and the database have, in tests of imports."""

from __future__ import annotations

from django.db import connection

from domains.deletion.service import delete_domain
from domains.models import Domain
from ses_integration.api import shared_deadline


def delete(domain: Domain) -> None:
    with shared_deadline():
        delete_domain(domain=domain, requested_by="test")
    assert not Domain.objects.exists()


def shown(domain: Domain):
    """What the domain has, by names instead of ids."""
    addresses = domain.email_addresses.order_by("address")
    return {
        "addresses": list(addresses.values_list("address", "is_active", "endpoint__name")),
        "blocked": list(domain.blocked_emails.values_list("email_address", "reason")),
        "counts": (domain.address_count, domain.active_address_count, domain.blocked_email_count),
        "catch-all": (domain.is_catch_all_enabled, domain.catch_all_endpoint and domain.catch_all_endpoint.name),
        "settings": (domain.mail_from_label, domain.mail_from_chosen, domain.receive_dmarc_emails),
    }


def everything() -> dict[str, int]:
    """How many rows each table has."""
    with connection.cursor() as cursor:
        counts = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT COUNT(*) FROM "{table}"')
            counts[table] = cursor.fetchone()[0]
    return counts
