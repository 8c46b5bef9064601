"""An address's place in its domain: decided once, when it is added, so that one change touches one receipt rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, F, Min, OuterRef, Q

if TYPE_CHECKING:
    from addresses.models import EmailAddressQuerySet


def free_slot(addresses: EmailAddressQuerySet) -> int:
    """The lowest slot that none of these addresses, all of one domain, has; one statement. Lock the domain's row before.

    Inactive addresses keep their slot: each must fit again when it is activated. One that a deletion left is filled
    again, and nothing ever moves.
    """
    following = addresses.filter(slot=OuterRef("slot") + 1)
    found = addresses.aggregate(first=Min("slot"), gap=Min(F("slot") + 1, filter=~Q(Exists(following))))
    return 0 if found["first"] != 0 else found["gap"]
