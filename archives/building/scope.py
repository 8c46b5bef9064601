"""What an export is of, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domains.models import Domain


@dataclass(frozen=True, slots=True)
class Scope:
    """`for_owner`: it is for the domain's owner, who may see the settings of endpoints. `secrets`: those as well.

    `at`: when the export was asked for, which is the time of its files.
    """

    domain: Domain
    at: datetime
    for_owner: bool = True
    secrets: bool = False

    def __post_init__(self) -> None:
        if self.secrets and not self.for_owner:
            raise ValueError("Only the owner of a domain exports secrets.")
