"""What somebody else's domain means for a new name. Pure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import Domain
from domains.verification.claims import Ruling, ruling

KINDS = {
    "claimed": {"status": "pending"},
    "expired": {"status": "failed", "expired": True},
    "proven": {"status": "pending", "proven": True},
    "verified": {"status": "verified"},
    "lost": {"status": "pending", "verified_before": True},
    "lost for long": {"status": "failed", "verified_before": True, "expired": True},
}
RULINGS = [
    # What somebody else has, where, and what it means without and with proof of the new name.
    ("claimed", "same", "needs proof", "ends"),
    ("expired", "same", "ends", "ends"),
    ("proven", "same", "needs proof", "needs proof"),
    ("verified", "same", "taken", "taken"),
    ("lost", "same", "needs proof", "needs proof"),
    ("lost for long", "same", "needs proof", "ends"),
    ("claimed", "above", "needs proof", "free"),
    ("expired", "above", "free", "free"),
    ("proven", "above", "needs proof", "free"),
    ("verified", "above", "needs proof", "free"),
    ("lost", "above", "needs proof", "free"),
    ("lost for long", "above", "needs proof", "free"),
    ("claimed", "below", "needs proof", "ends"),
    ("expired", "below", "ends", "ends"),
    ("proven", "below", "needs proof", "free"),
    ("verified", "below", "needs proof", "free"),
    ("lost", "below", "needs proof", "free"),
    ("lost for long", "below", "needs proof", "free"),
]


@pytest.mark.parametrize(("kind", "place", "without", "with_proof"), RULINGS)
def test_rulings(kind, place, without, with_proof):
    now = timezone.now()
    facts = KINDS[kind]
    since = now - timedelta(hours=73 if facts.get("expired") else 1)
    other = Domain(
        name={"same": "b.example.com", "above": "example.com", "below": "a.b.example.com"}[place],
        status=facts["status"],
        unverified_since=None if kind == "verified" else since,
        verified_at=now - timedelta(days=9) if facts.get("verified_before") or kind == "verified" else None,
        proven_at=since if facts.get("proven") else None,
    )
    rulings = [ruling(other, "b.example.com", proven=proven, now=now) for proven in (False, True)]
    assert rulings == [Ruling(without), Ruling(with_proof)]
