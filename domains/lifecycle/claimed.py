"""Sentences about claims of other accounts that are in the way of a new name."""

from __future__ import annotations

from django.utils import timezone

from domains.models import Domain
from domains.verification.claims import claim_time


def claims(others: list[Domain]) -> str:
    """A sentence about what is in the way without a proof."""
    if not all(other.is_only_claimed for other in others):
        return "Another account has this name, or a name above or below it."
    return f"Another account has claimed it without proof. The claim ends at {_end_of_claims(others)}."


def not_yet(others: list[Domain]) -> str:
    """A sentence about what is in the way in spite of a proof: a proof of the other account, or a verification that was lost."""
    if any(other.proven_at for other in others):
        return "Another account has proven this name, too."
    return f"Another account has lost its verification of this name. Its claim ends at {_end_of_claims(others)}."


def _end_of_claims(others: list[Domain]) -> str:
    ends = max((other.unverified_since or timezone.now()) + claim_time() for other in others)
    return f"{ends:%Y-%m-%d %H:%M} UTC"
