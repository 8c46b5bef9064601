"""The domains that matter for a new name, and what a deletion has left of the name itself."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from backoffice.text import moment
from domains.deletion.service import finish_rows
from domains.grace.end import end_locked
from domains.lifecycle import mail_from
from domains.models import Domain, DomainDeletion
from domains.verification.claims import related
from ses_integration.api import database_now


class DomainRestorable(Exception):
    """The owner has deleted the name, and can restore it. `deletion`: its report."""

    def __init__(self, deletion: DomainDeletion) -> None:
        super().__init__(deletion.name)
        self.deletion = deletion

    def sentence(self, who: str = "You have") -> str:
        until = "" if self.deletion.restorable_until is None else f" until {moment(self.deletion.restorable_until)}"
        return f"{who} deleted {self.deletion.name}. It can be restored{until}."


def held_domains(owner: AbstractBaseUser, name: str, *, start_afresh: bool) -> list[Domain]:
    """The live domains that matter for a new name, and deleted ones that can be restored.

    Deletes what an unfinished deletion has left of the name. Raises DomainRestorable.
    """
    found = list(Domain.objects.filter(related(owner, name) | mail_from.possible(name)).select_related("owner"))
    now = database_now() if any(row.restorable_until for row in found) else None
    held: list[Domain] = []
    for row in found:
        lasts = now is not None and row.restorable_until is not None and row.restorable_until > now
        is_own = row.name == name and row.owner_id == owner.pk
        if row.deleting_since is None or (lasts and not is_own):
            held.append(row)
        elif row.name == name:
            if row.restorable_until is not None:
                _end_period(row, refuse=lasts and not start_afresh, only_due=not lasts)
            finish_rows(row.pk)
    return held


def _end_period(row: Domain, *, refuse: bool, only_due: bool) -> None:
    """End the grace period of the owner's own name, or one that is over and that the worker has not ended yet.

    `only_due`: not if somebody extends it at this moment. The name is then still taken.
    """
    for deletion in DomainDeletion.objects.in_grace().filter(domain_id=row.pk):
        if refuse:
            raise DomainRestorable(deletion)
        end_locked(deletion, only_due=only_due)
