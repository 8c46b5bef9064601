"""Base of the querysets that API lists are made of."""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar

from django.db import models

from rest.access.roles import Role

Row = TypeVar("Row", bound=models.Model)


class OwnedQuerySet(models.QuerySet[Row]):
    """Rows that belong to one user each, and that nobody else sees."""

    owner_column: ClassVar[str] = "owner_id"

    def owned_by(self, user: Any) -> Self:
        return self.filter(**{self.owner_column: user.pk})

    def visible_to(self, user: Any, least: Role = Role.VIEWER) -> Self:
        """The rows that the user sees, or for which they have at least a role."""
        return self.owned_by(user)

    def with_role(self, user: Any) -> Self:
        """Add to visible rows which role the user has: see `role_of`."""
        return self


def role_of(row: models.Model) -> str:
    """The role of the caller for a row that has been read for them. Without `with_role` all that they see is their own."""
    return getattr(row, "caller_role", Role.OWNER)


def given_role(row: models.Model) -> str | None:
    """The role that the owner of a row has given the caller. None for their own rows."""
    role = role_of(row)
    return None if role == Role.OWNER else role


def owner_of(row: models.Model, caller: Any) -> Any:
    """The id of the owner of a visible row that has been read with `with_role`."""
    return getattr(row, "domain_owner", caller.pk)


def member_of(row: models.Model, caller: Any) -> Any:
    """The caller's id if they have a row by a role that its owner can take back: services look again under their lock."""
    return caller.pk if given_role(row) else None


def has_shares(user: Any) -> bool:
    """Whether other owners may have given the user access. False only if it is known that nobody has.

    The statement that finds an API key tells it, so that the usual queries stay what they are for everybody else.
    """
    return getattr(user, "has_shares", True)
