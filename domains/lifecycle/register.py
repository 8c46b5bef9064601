"""Add a domain: the row first, then SES, so that the domain is added even if SES fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, record
from domains.dns.preflight import Preflight, preflight
from domains.dns.records import Record, inbound_host
from domains.lifecycle import mail_from
from domains.lifecycle.claimed import claims, not_yet
from domains.lifecycle.held import held_domains
from domains.models import DnsRecord, Domain, DomainDeletion
from domains.name_lock import lock_name
from domains.names import RefusedName, check_new_domain, is_private_suffix
from domains.verification.check import mail_from_collisions
from domains.verification.claims import Proof, Ruling, end, is_proven, proof_of, ruling
from domains.verification.rows import Finding, insert_records, records_of, store, unnamed_records
from ses_integration.api import (
    DomainSpec,
    RecordedIdentity,
    changing,
    reconcile,
    reserve,
    shared_deadline,
)

# How often to look again after claims have ended.
ATTEMPTS = 4
LEFT_OVER = "Another account had this domain, and its MX record may still lead here."
# Gives the new row more in its transaction, and reserves room in SES for that. May be called again for another row.
Configure = Callable[[Domain], None]


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

    def __init__(self, *, reason: str, proof: Proof) -> None:
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


class _LeftOver(Exception):
    """The name is free, and another account had it."""


class _InTheWay(Exception):
    """Domains of others, by what they mean for the new name."""

    def __init__(self, others: dict[Ruling, list[Domain]]) -> None:
        super().__init__()
        self.others = others


def add_domain(
    *, owner: AbstractBaseUser, name: str, start_afresh: bool = False, configure: Configure | None = None
) -> AddedDomain:
    """Add a normalised name, and wait until SES has created its identity or the deadline ends.

    Looks at the name's DNS first, within DNS_TIMEOUT_SECONDS. If an earlier domain of this name is still being deleted, the
    same transaction deletes its rows (docs/architecture/protocol.md, "Delete and add again"). Deletes domains whose claim to the
    name has ended (docs/architecture/verification.md, "Claims").
    If the owner can still restore the name, `start_afresh` ends that grace period in the same transaction.
    Raises RefusedName, ProofNeeded, DomainTaken, DomainRestorable, DnsConflict, MailFromConflict, QuotaExceeded, and what
    `configure` raises.
    """
    looked = _looked_up(name)
    with shared_deadline():
        domain, rows, generation = _insert(owner, name, looked, start_afresh=start_afresh, configure=configure)
        reconcile(name, generation)
    known = RecordedIdentity.by_domain([name]).get(name)
    # Only an identity that somebody else has created can have such a MAIL FROM domain.
    collision = mail_from_collisions({name: known}).get(name, "") if known and known.ours is False else ""
    if known is not None:
        finding = Finding(known.status, known, mail_from_collides=bool(collision))
        domain = store({domain.pk: finding}, {domain.pk: rows}).get(domain.pk, domain)
    warnings = [unnamed_records(name, known), collision]
    if looked.unknown:
        warnings.append(f"{looked.unknown} Whether the domain receives mail elsewhere is not known.")
    records = records_of(name, known, mail_from_collides=bool(collision))
    return AddedDomain(domain, known, records, " ".join(filter(None, warnings)) or None)


def try_domain(*, owner: AbstractBaseUser, name: str, configure: Configure) -> None:
    """Raise what `add_domain` would raise now, and change nothing: the same transaction is rolled back.

    `configure` is not tried if the claim of another account would have to end first.
    """
    with shared_deadline():
        _insert(owner, name, _looked_up(name), start_afresh=False, configure=configure, keep=False)


def _looked_up(name: str) -> Preflight:
    check_new_domain(name)
    return preflight(name, own_mx_host=inbound_host(settings.AWS_REGION))


def _insert(
    owner: AbstractBaseUser,
    name: str,
    looked: Preflight,
    *,
    start_afresh: bool,
    configure: Configure | None = None,
    keep: bool = True,
) -> tuple[Domain, list[DnsRecord], int]:
    """Insert the domain and the records that are known. Returns both, and the generation of the change.

    `keep`: otherwise everything is rolled back, and what it returns is of no use.
    """
    proven = False
    if is_private_suffix(name):
        proven = _require_proof(owner, name, f"{name} is a suffix below which others have names.", ProofNeeded)
    # Anybody could verify it with the records that its last owner has left in DNS.
    is_left_over = (looked.has_mx or looked.unknown) and not looked.conflict and _was_of_another(owner, name)
    for _ in range(ATTEMPTS):
        try:
            with changing() as change:
                lock_name(name)
                found = held_domains(owner, name, start_afresh=start_afresh)
                others = _judged(owner, name, found, proven=proven)
                if others[Ruling.NEEDS_PROOF]:
                    raise _InTheWay(others)
                if is_left_over and not proven:
                    raise _LeftOver
                label = mail_from.free_label(owner, name, found)
                if looked.conflict:
                    raise DnsConflict(looked.conflict)
                if others[Ruling.ENDS]:
                    # All refusals come first: a claim must not end for a domain that is not added.
                    reserve(DomainSpec(name, "", inactive=()))
                    raise _InTheWay(others)
                domain, rows = _create(owner, name, looked, label, proven=proven)
                reserve(DomainSpec(name, domain.key_prefix, inactive=()))
                record(Entry.of(Action.ADDED, domain, domain.owner_id))
                if configure is not None:
                    configure(domain)
                if not keep:
                    transaction.set_rollback(True)
            return domain, rows, change.generations.get(name, 0)
        except IntegrityError as error:
            raise DomainTaken(own=Domain.objects.filter(name=name).owned_by(owner).exists()) from error
        except _LeftOver:
            proven = _require_proof(owner, name, LEFT_OVER, DomainTaken)
        except _InTheWay as in_the_way:
            # Outside the transaction, which would hold its locks while DNS and SES are asked.
            if need_proof := in_the_way.others[Ruling.NEEDS_PROOF]:
                if proven:
                    raise DomainTaken(reason=not_yet(need_proof)) from None
                proven = _require_proof(owner, name, claims(need_proof), DomainTaken)
                continue
            if not keep:
                return Domain(owner_id=owner.pk, name=name), [], 0
            for other in in_the_way.others[Ruling.ENDS]:
                end(other, name, proven=proven)
    raise DomainTaken(reason="Another account has a claim to this name that cannot be checked now. Try again later.")


def _create(
    owner: AbstractBaseUser, name: str, looked: Preflight, label: str, *, proven: bool
) -> tuple[Domain, list[DnsRecord]]:
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
    return domain, insert_records(domain, records_of(name, None))


def _was_of_another(owner: AbstractBaseUser, name: str) -> bool:
    return DomainDeletion.objects.filter(name=name).exclude(owner_id=owner.pk).exists()


def _require_proof(
    owner: AbstractBaseUser, name: str, reason: str, refusal: type[DomainTaken] | type[ProofNeeded]
) -> bool:
    """Return True if the owner has proven the name. Otherwise raise the refusal, which says how."""
    proof = proof_of(owner, name)
    proven = is_proven(owner, name)
    if proven:
        return True
    how = (
        f"To prove that {name} is yours, publish the TXT record {proof.name} with the value {proof.value}, and add the domain "
        "again."
    )
    unknown = " DNS could not be asked whether it is published." if proven is None else ""
    raise refusal(reason=f"{reason} {how}{unknown}", proof=proof)


def _judged(owner: AbstractBaseUser, name: str, found: list[Domain], *, proven: bool) -> dict[Ruling, list[Domain]]:
    """The domains of others by what they mean for the new name.

    Raises DomainTaken if the name is the owner's, or another's for good.
    """
    if any(row.name == name and row.owner_id == owner.pk for row in found):
        raise DomainTaken(own=True)
    now = timezone.now()
    others: dict[Ruling, list[Domain]] = {kind: [] for kind in Ruling}
    for row in found:
        if row.owner_id != owner.pk:
            others[ruling(row, name, proven=proven, now=now)].append(row)
    if others[Ruling.TAKEN]:
        raise DomainTaken
    return others
