"""Adding a domain: the row first, then SES; never a 500 with a row left behind."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from domains.deletion import service
from domains.dns import records as dns_records
from domains.lifecycle.identity import take_over
from domains.models import Domain
from domains.names import ancestors, registrable
from ses_integration.api import DomainSpec, identities, reconcile, reserve, shared_deadline, unconfirmed_warning


class DomainTaken(Exception):
    """The name is registered already: by the same owner (`own`), or it, its parent or its child by somebody else."""

    def __init__(self, *, own: bool) -> None:
        super().__init__()
        self.own = own


@dataclass(frozen=True, slots=True)
class Onboarding:
    """The new domain, the records to publish as far as they are known, and a sentence if SES has not followed yet."""

    domain: Domain
    records: list[dns_records.Record]
    warning: str | None


def add_domain(*, owner: AbstractBaseUser, name: str) -> Onboarding:
    """Register `name`, a normalised one, and wait within the budget for SES to create its identity. Raises DomainTaken and
    QuotaExceeded.

    A life of the same name whose deletion is not finished is taken out of the way in the same transaction; nothing has to
    be cancelled, because from that commit on SES follows the new rows.
    """
    with shared_deadline():
        try:
            with transaction.atomic(durable=True):
                _take_turns(name)
                service.finish_rows_of(name)
                _refuse_taken(owner, name)
                domain = Domain.objects.create(owner_id=owner.pk, name=name)
                dns_records.store(domain, None)
                reserve(DomainSpec(name, domain.key_prefix))
        except IntegrityError as error:
            raise DomainTaken(own=Domain.objects.filter(name=name).owned_by(owner).exists()) from error
        reconcile(name)
    known = identities([name]).get(name)
    records = take_over(domain, known)
    if known and known.verification_token:
        return Onboarding(domain, records, None)
    missing = "SES has not told all DNS records yet." if known else "SES has not created the identity yet."
    return Onboarding(domain, records, unconfirmed_warning(missing, name))


def _take_turns(name: str) -> None:
    """One at a time below a registrable name, until the transaction ends: two owners may be adding a parent and its child.

    SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [registrable(name)])


def _refuse_taken(owner: AbstractBaseUser, name: str) -> None:
    """Mail for a parent or a child of somebody's domain is theirs as well: only one owner may hold a tree of names."""
    if Domain.objects.filter(name=name).owned_by(owner).exists():
        raise DomainTaken(own=True)
    related = Q(name=name) | Q(name__in=ancestors(name)) | Q(name__endswith=f".{name}")
    if Domain.objects.live().filter(related).exclude(owner_id=owner.pk).exists():
        raise DomainTaken(own=False)
