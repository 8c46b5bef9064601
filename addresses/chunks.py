"""Which rule of its domain carries an address: decided once, when it is added, so that one change touches one rule."""

from __future__ import annotations

from itertools import count

from django.conf import settings
from django.db.models import Count

from addresses.models import EmailAddress
from domains.models import Domain


def free_chunk(domain: Domain) -> int:
    """The first chunk with room for one more; one statement. Call it with the domain's row locked.

    Inactive addresses keep their place: each must fit again when it is activated. A place that a deletion left is filled
    again, and nothing ever moves.
    """
    rows = EmailAddress.objects.filter(domain=domain).order_by()
    taken = dict(rows.values_list("chunk").annotate(addresses=Count("pk")))
    return next(chunk for chunk in count(1) if taken.get(chunk, 0) < settings.SES_MAX_RECIPIENTS_PER_RULE)
