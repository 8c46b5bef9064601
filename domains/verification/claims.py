"""Claims: who may add a name while somebody else has it, or a name above or below it.

A domain that nobody has proven is only claimed. A claim ends after DOMAIN_CLAIM_HOURS, or when somebody else proves the name with a
TXT record (docs/architecture/verification.md, "Claims").
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q

from domains.dns import resolver
from domains.dns.resolver import Question
from domains.models import Domain
from domains.names import ancestors
from rest.keyed_digests import keyed_digests

PROOF_LABEL = "_inbound-proof"


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
    """What `other`, a live domain of somebody else with this name or one above or below it, means for a new `name`. Pure."""
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
    """Domains of this name, also those that are being deleted, live ones above it, and others' live ones below it."""
    below = Q(name__endswith=f".{name}") & ~Q(owner_id=owner.pk)
    return Q(name=name) | (Q(deleting_since=None) & (Q(name__in=ancestors(name)) | below))
