"""What a deletion of a domain would do, as it is known now, and a token that stands for it."""

from __future__ import annotations

from domains.models import Domain


class PlanOutdated(Exception):
    """The token is not that of the plan as it is now: look at the plan again before deleting."""


def check_token(domain: Domain, token: str) -> None:
    """Inside the deletion's transaction, with the domain's row locked. Raises PlanOutdated."""
    raise PlanOutdated
