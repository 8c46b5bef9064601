"""Claims: who may add a name while somebody else has it, or a name above or below it.

A domain that nobody has proven is only claimed. A claim ends after DOMAIN_CLAIM_HOURS, or when somebody else proves the name with a
TXT record (docs/architecture/verification.md, "Claims").
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q
from django.utils import timezone

from domains.deletion.service import delete_domain
from domains.dns import resolver
from domains.dns.resolver import Question
from domains.grace.end import end_locked
from domains.models import HELD, Domain, DomainDeletion
from domains.names import ancestors
from domains.verification.check import check_one
from rest.keyed_digests import keyed_digests
from ses_integration.api import changing

PROOF_LABEL = "_inbound-proof"
# Who requested the deletion, in its report.
CLAIM_ENDED = "(claim ended)"


@dataclass(frozen=True, slots=True)
class Proof:
    """The TXT record with which an account proves a name. It is always the same."""

    name: str
    value: str


def proof_of(owner: AbstractBaseUser, name: str) -> Proof:
    return Proof(f"{PROOF_LABEL}.{name}", _values(owner, name)[0])


def is_proven(owner: AbstractBaseUser, name: str) -> bool | None:
    """Whether the owner's proof is published. None if DNS did not say. Asks DNS for at most DNS_TIMEOUT_SECONDS."""
    question = Question(proof_of(owner, name).name, "TXT")
    answer = resolver.ask([question])[question]
    if answer.why:
        return None
    expected = _values(owner, name)
    return any(hmac.compare_digest(value.encode(), each.encode()) for value in answer.values for each in expected)


def _values(owner: AbstractBaseUser, name: str) -> list[str]:
    """The value under each key, the current one first. It is not secret: only the owner of the name can publish it."""
    return [f"inbound-proof={digest.hex()[:40]}" for digest in keyed_digests(__name__, f"{owner.pk}:{name}")]


class Ruling(StrEnum):
    """What somebody else's domain means for a new name."""

    FREE = "free"
    # The claim ends, so the domain is deleted.
    ENDS = "ends"
    NEEDS_PROOF = "needs proof"
    TAKEN = "taken"


def ruling(other: Domain, name: str, *, proven: bool, now: datetime) -> Ruling:
    """What `other`, a held domain of somebody else with this name or one above or below it, means for a new `name`. Pure."""
    expired = other.status != Domain.Status.VERIFIED and (other.unverified_since or now) + claim_time() <= now
    if other.name == name:
        if other.is_only_claimed:
            return Ruling.ENDS if proven or expired else Ruling.NEEDS_PROOF
        # It was proven once. Its mail is deleted only if it is lost and the new owner proves the name.
        if other.status == Domain.Status.VERIFIED:
            return Ruling.TAKEN
        return Ruling.ENDS if proven and expired else Ruling.NEEDS_PROOF
    if other.is_only_claimed and (proven or expired):
        # A stranger's subdomain would be verified together with its parent: SES lets subdomains inherit that.
        return Ruling.ENDS if other.name.endswith(f".{name}") else Ruling.FREE
    return Ruling.FREE if proven else Ruling.NEEDS_PROOF


def claim_time() -> timedelta:
    return timedelta(hours=settings.DOMAIN_CLAIM_HOURS)


def related(owner: AbstractBaseUser, name: str) -> Q:
    """Domains of this name, also those that are being deleted, held ones above it, and others' held ones below it."""
    below = Q(name__endswith=f".{name}") & ~Q(owner_id=owner.pk)
    return Q(name=name) | (HELD & (Q(name__in=ancestors(name)) | below))


def end(other: Domain, name: str, *, proven: bool) -> None:
    """Delete a domain for good whose claim ends because somebody else adds `name`. Not in a transaction: asks SES and DNS first.

    Does nothing if its owner has proven it meanwhile, or if DNS does not answer.
    """
    # In its grace period a domain is not checked any more.
    if other.deleting_since is None and check_one(other) is None:
        return
    proof = is_proven(other.owner, other.name)
    if proof is None:
        return
    if proof:
        Domain.objects.held().filter(pk=other.pk).update(proven_at=timezone.now())

    def still_ends(locked: Domain) -> bool:
        return ruling(locked, name, proven=proven, now=timezone.now()) is Ruling.ENDS

    if other.deleting_since is not None:
        for deletion in DomainDeletion.objects.in_grace().filter(domain_id=other.pk):
            with changing():
                end_locked(deletion, only_if=still_ends)
        return
    # DoesNotExist: it is gone, or its owner was faster.
    with suppress(Domain.DoesNotExist):
        delete_domain(domain=other, requested_by=CLAIM_ENDED, only_if=still_ends, permanent=True)


def end_below(verified: Collection[Domain]) -> None:
    """End the claims of others below these verified domains: SES verifies their subdomains, too."""
    if not verified:
        return
    owners = {domain.name: domain.owner_id for domain in verified}
    only_claimed = Domain.objects.live().filter(verified_at=None, proven_at=None).exclude(status=Domain.Status.VERIFIED)
    for pk, name, owner_id in only_claimed.values_list("pk", "name", "owner_id"):
        for parent in ancestors(name):
            if owners.get(parent, owner_id) != owner_id:
                for other in only_claimed.select_related("owner").filter(pk=pk):
                    end(other, parent, proven=True)
                break
