"""Add a domain: the row first, then SES, so that the domain is added even if SES fails."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection
from django.db.models import Q

from domains.deletion.service import finish_rows
from domains.dns import records as dns_records
from domains.lifecycle.identity import apply_identity
from domains.models import Domain
from domains.names import ancestors, check_new_domain, registrable
from ses_integration.api import (
    DomainSpec,
    RecordedIdentity,
    changing,
    reconcile,
    reserve,
    shared_deadline,
    unconfirmed_warning,
)


class DomainTaken(Exception):
    """The owner already has the name (`own`), or another user has it, or a parent or subdomain of it."""

    def __init__(self, *, own: bool) -> None:
        super().__init__()
        self.own = own


@dataclass(frozen=True, slots=True)
class AddedDomain:
    """The new domain, its identity and the DNS records as far as they are known, and a warning if SES has not confirmed the
    identity yet."""

    domain: Domain
    identity: RecordedIdentity | None
    records: list[dns_records.Record]
    warning: str | None


def add_domain(*, owner: AbstractBaseUser, name: str) -> AddedDomain:
    """Add a normalised name, and wait until SES has created its identity or the deadline ends.

    If an earlier domain of this name is still being deleted, the same transaction deletes its rows
    (docs/architecture/protocol.md, "Delete and add again"). Raises RefusedName, DomainTaken and QuotaExceeded.
    """
    check_new_domain(name)
    with shared_deadline():
        try:
            with changing() as change:
                _lock_name(name)
                _free_name(owner, name)
                domain = Domain.objects.create(owner_id=owner.pk, name=name)
                first_records = dns_records.store(domain, None, stored=[])
                reserve(DomainSpec(name, domain.key_prefix, inactive=()))
        except IntegrityError as error:
            raise DomainTaken(own=Domain.objects.filter(name=name).owned_by(owner).exists()) from error
        reconcile(name, change.generations[name])
    known = RecordedIdentity.by_domain([name]).get(name)
    records = apply_identity(domain, known, stored=first_records)
    if known and known.verification_token:
        return AddedDomain(domain, known, records, None)
    missing = "SES has not returned all DNS records yet." if known else "SES has not created the identity yet."
    return AddedDomain(domain, known, records, unconfirmed_warning(missing, name))


def _lock_name(name: str) -> None:
    """Lock the registrable name until the transaction ends, because two users may be adding a domain and its subdomain.

    Only on PostgreSQL, because SQLite has a single writer.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [registrable(name)])


def _free_name(owner: AbstractBaseUser, name: str) -> None:
    """Delete what an unfinished deletion has left of the name. Raises DomainTaken if the name is taken
    (docs/api/compatibility.md, "Domain names")."""
    related = Q(name__in=ancestors(name)) | Q(name__endswith=f".{name}")
    of_others = Q(related, deleting_since=None) & ~Q(owner_id=owner.pk)
    found = Domain.objects.filter(Q(name=name) | of_others).values_list("pk", "owner_id", "deleting_since")
    if owners := {owner_id for _, owner_id, deleting_since in found if deleting_since is None}:
        raise DomainTaken(own=owner.pk in owners)
    for pk, _, _ in found:
        finish_rows(pk)
