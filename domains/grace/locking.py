"""The locks of a grace period: the domain's row, then the report, as in every change of a deletion."""

from __future__ import annotations

from domains.grace.period import NotInGrace, refusal
from domains.models import Domain, DomainDeletion


def lock_period(deletion: DomainDeletion) -> tuple[Domain, DomainDeletion]:
    """Lock the domain and the report until the transaction ends, and read both again. `now` of the report is the database's time.

    Raises NotInGrace if the period is over, whether the worker has ended it yet or not.
    """
    domain, report = lock_both(deletion)
    is_there = domain is not None and domain.restorable_until is not None
    if why := refusal(report, report.now, row_is_there=is_there):
        raise NotInGrace(why)
    assert domain is not None
    return domain, report


def lock_both(deletion: DomainDeletion) -> tuple[Domain | None, DomainDeletion]:
    """The same without a refusal."""
    domain = Domain.objects.select_for_update().filter(pk=deletion.domain_id).first()
    return domain, DomainDeletion.objects.locked().get(pk=deletion.pk)
