"""The usual domain of a test, without the hundred statements and three SES calls that it takes to create it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from ses_integration.conf import SesConfig, ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.emulator.state.identities import Identity
from ses_integration.models import DomainSync, Lease, LedgerEntry, LedgerIdentity


@dataclass(frozen=True)
class _Copy:
    """What one domain has left in the database and in SES."""

    domain: Domain
    sync: DomainSync
    lease: Lease
    entry: LedgerEntry
    details: LedgerIdentity
    identity: Identity


_copies: dict[tuple[str, SesConfig], _Copy] = {}


def verified_domain(ses: Emulator, owner: User, name: str) -> Domain:
    """`DomainFactory(owner=owner, name=name)` with the same rows and the same state of SES, but from a copy.

    The first call in a process creates the domain and keeps the copy. `ses` must be set up, and hold nothing else.
    """
    key = (name, ses_config())
    if Lease.objects.exists():  # something was reconciled already
        return DomainFactory(owner=owner, name=name)
    if key not in _copies:
        domain: Domain = DomainFactory(owner=owner, name=name)
        _copies[key] = _copy_of(ses, domain)
        return domain
    return _insert(ses, owner, copy.deepcopy(_copies[key]))


def _copy_of(ses: Emulator, domain: Domain) -> _Copy:
    entry = LedgerEntry.objects.get()
    identity = ses.region(ses_config().region).identities.find(domain.name)
    assert identity is not None
    return _Copy(
        domain=Domain.objects.get(),
        sync=DomainSync.objects.get(),
        lease=Lease.objects.get(),
        entry=entry,
        details=LedgerIdentity.objects.get(entry=entry),
        identity=copy.deepcopy(identity),
    )


def _insert(ses: Emulator, owner: User, rows: _Copy) -> Domain:
    rows.domain.owner = owner
    rows.entry.changed_at = rows.details.checked_at = timezone.now()
    rows.sync.pk = rows.lease.pk = rows.entry.pk = None
    # No signals: everything that they would cause is in the copy.
    Domain.objects.bulk_create([rows.domain])
    DomainSync.objects.bulk_create([rows.sync])
    Lease.objects.bulk_create([rows.lease])
    LedgerEntry.objects.bulk_create([rows.entry])
    rows.details.entry = rows.entry
    LedgerIdentity.objects.bulk_create([rows.details])
    ses.region(ses_config().region).identities.restore(rows.identity)
    return rows.domain
