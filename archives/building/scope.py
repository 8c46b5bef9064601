"""What an export is of, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from domains.models import Domain
from rest.access.roles import Deed, may, role_from


@dataclass(frozen=True, slots=True)
class Scope:
    """`settings`: also those of endpoints. `secrets`: those as well.

    `at`: when the export was asked for, which is the time of its files.
    """

    domain: Domain
    at: datetime
    settings: bool = True
    secrets: bool = False

    @classmethod
    def for_account(cls, domain: Domain, at: datetime, account_id: int | None, *, secrets: bool) -> Self:
        """As much as the account may see. `secrets`: whether it has asked for them."""
        role = role_from(domain.owner_id, account_id)
        return cls(domain, at, may(role, Deed.SEE_PRIVATE), secrets and may(role, Deed.EXPORT_SECRETS))
