"""Add a domain: the row first, then SES, so that the domain is added even if SES fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection
from django.utils import timezone

from domains.deletion.service import delete_domain, finish_rows
from domains.dns.preflight import Preflight, preflight
from domains.dns.records import Record, inbound_host
from domains.lifecycle import mail_from
from domains.models import DnsRecord, Domain
from domains.names import RefusedName, check_new_domain, is_private_suffix, registrable
from domains.verification.claims import Proof, Ruling, claim_time, is_proven, proof_of, related, ruling
from domains.verification.rows import Finding, insert_records, records_of, store, unnamed_records
from ses_integration.api import (
    DomainSpec,
    RecordedIdentity,
    changing,
    reconcile,
    reserve,
    shared_deadline,
)

# Whose claim has ended, as the report of the deletion names it.
CLAIM_ENDED = "(claim ended)"


class DomainTaken(Exception):
    """The owner already has the name (`own`), or another user has it, or a name above or below it.

    With `proof`, the name becomes free if the owner publishes that record. `reason`: a sentence for users about it.
    """

    def __init__(self, *, own: bool = False, reason: str = "", proof: Proof | None = None) -> None:
        super().__init__(reason)
        self.own = own
        self.reason = reason
        self.proof = proof


class ProofNeeded(RefusedName):
    """A name that only its proven owner may add: a suffix below which others have names."""

    def __init__(self, reason: str, proof: Proof) -> None:
        super().__init__(reason)
        self.proof = proof


class DnsConflict(Exception):
    """Published records that stand in the way. The message is a sentence for users."""


@dataclass(frozen=True, slots=True)
class AddedDomain:
    """The new domain, its identity and the DNS records as far as they are known, and a warning if SES has not confirmed the
    identity yet or DNS could not be asked."""

    domain: Domain
    identity: RecordedIdentity | None
    records: list[Record]
    warning: str | None


class _InTheWay(Exception):
    """Domains of others: those whose claim ends, and those that the owner has to prove the name against."""

    def __init__(self, ending: list[Domain], need_proof: list[Domain]) -> None:
        super().__init__()
        self.ending = ending
        self.need_proof = need_proof


def add_domain(*, owner: AbstractBaseUser, name: str) -> AddedDomain:
    """Add a normalised name, and wait until SES has created its identity or the deadline ends.

    Looks at the name's DNS first, within DNS_TIMEOUT_SECONDS. If an earlier domain of this name is still being deleted, the
    same transaction deletes its rows (docs/architecture/protocol.md, "Delete and add again"). Deletes domains whose claim to the
    name has ended (docs/architecture/verification.md, "Claims").
    Raises RefusedName, ProofNeeded, DomainTaken, DnsConflict, MailFromConflict and QuotaExceeded.
    """
    check_new_domain(name)
    looked = preflight(name, own_mx_host=inbound_host(settings.AWS_REGION))
    with shared_deadline():
        domain, rows, generation = _insert(owner, name, looked)
        reconcile(name, generation)
    known = RecordedIdentity.by_domain([name]).get(name)
    if known is not None:
        domain = store({domain.pk: Finding(known.status, known)}, {domain.pk: rows}).get(domain.pk, domain)
    records = records_of(name, known)
    warning = unnamed_records(name, known)
    if looked.unknown:
        unknown = f"{looked.unknown} Whether the domain receives mail elsewhere is not known."
        warning = f"{warning} {unknown}" if warning else unknown
    return AddedDomain(domain, known, records, warning)


def _insert(owner: AbstractBaseUser, name: str, looked: Preflight) -> tuple[Domain, list[DnsRecord], int]:
    """Insert the domain and the records that are known. Returns both, and the generation of the change."""
    proven = (
        _require_proof(owner, name, f"{name} is a suffix below which others have names.")
        if is_private_suffix(name)
        else None
    )
    while True:
        try:
            with changing() as change:
                _lock_name(name)
                label = _free_name(owner, name, proven=proven is True)
                if looked.conflict:
                    raise DnsConflict(looked.conflict)
                now = timezone.now()
                domain = Domain.objects.create(
                    owner_id=owner.pk,
                    name=name,
                    dns_provider=looked.provider,
                    provider_confidence=looked.confidence,
                    has_mx_records=looked.has_mx,
                    last_dns_check=None if looked.unknown else now,
                    proven_at=now if proven else None,
                    mail_from_label=label,
                    next_check=now + timedelta(seconds=settings.SES_STATUS_SECONDS),
                )
                rows = insert_records(domain, records_of(name, None))
                reserve(DomainSpec(name, domain.key_prefix, inactive=()))
            return domain, rows, change.generations[name]
        except IntegrityError as error:
            raise DomainTaken(own=Domain.objects.filter(name=name).owned_by(owner).exists()) from error
        except _InTheWay as found:
            # Outside the transaction, which would hold its locks while DNS and SES are asked.
            if found.need_proof and not proven:
                proven = _require_proof(owner, name, _claims(found.need_proof), taken=True)
            for other in found.ending:
                _end(other)


def _require_proof(owner: AbstractBaseUser, name: str, reason: str, *, taken: bool = False) -> bool:
    """Raise ProofNeeded, or DomainTaken for a `taken` name, unless the owner has proven the name."""
    proof = proof_of(owner, name)
    proven = is_proven(owner, name)
    if proven:
        return True
    how = (
        f"To prove that {name} is yours, publish the TXT record {proof.name} with the value {proof.value}, and add the domain "
        "again."
    )
    if proven is None:
        how = f"{how} DNS could not be asked whether it is published."
    if taken:
        raise DomainTaken(reason=f"{reason} {how}", proof=proof)
    raise ProofNeeded(f"{reason} {how}", proof)


def _claims(others: list[Domain]) -> str:
    """A sentence about what is in the way."""
    if all(other.is_only_claimed for other in others):
        ends = max((other.unverified_since or timezone.now()) + claim_time() for other in others)
        return f"Another account has claimed it without proof. The claim ends at {ends:%Y-%m-%d %H:%M} UTC."
    return "Another account has this name, or a name above or below it."


def _end(other: Domain) -> None:
    try:
        delete_domain(domain=other, requested_by=CLAIM_ENDED)
    except Domain.DoesNotExist:
        return


def _lock_name(name: str) -> None:
    """Lock the registrable name until the transaction ends, because two users may be adding a domain and its subdomain.

    Only on PostgreSQL, because SQLite has a single writer.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [registrable(name)])


def _free_name(owner: AbstractBaseUser, name: str, *, proven: bool) -> str:
    """Delete what an unfinished deletion has left of the name, and return the label of a MAIL FROM domain that is free.

    Raises DomainTaken if the name is the owner's, or another's for good, MailFromConflict, and _InTheWay.
    """
    found = list(Domain.objects.filter(related(owner, name) | mail_from.possible(name)))
    live = [row for row in found if row.deleting_since is None]
    if any(row.name == name and row.owner_id == owner.pk for row in live):
        raise DomainTaken(own=True)
    now = timezone.now()
    others: dict[Ruling, list[Domain]] = {kind: [] for kind in Ruling}
    for row in live:
        if row.owner_id != owner.pk:
            others[ruling(row, name, proven=proven, now=now)].append(row)
    if others[Ruling.TAKEN]:
        raise DomainTaken
    if others[Ruling.ENDS] or others[Ruling.NEEDS_PROOF]:
        raise _InTheWay(others[Ruling.ENDS], others[Ruling.NEEDS_PROOF])
    for row in found:
        if row.deleting_since is not None and row.name == name:
            finish_rows(row.pk)
    return mail_from.free_label(name, live)
