"""A deletion plan, and what it says about each subject, to people and to programs (docs/api/plans.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rest.deletion import plan_token
from rest.deletion.plan_token import PlanToken, Subject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Database = TypeVar("Database", bound="DataclassInstance")
Outside = TypeVar("Outside", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Part:
    """One subject of a plan: a title and sentences for people, and its members of the JSON object. All may be empty."""

    title: str
    lines: Sequence[str]
    members: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a plan does not know, as a sentence. `severe`: it is about what is deleted, and not only about what people are told."""

    text: str
    severe: bool = True


@dataclass(frozen=True, slots=True)
class Plan(Generic[Database, Outside]):
    """A plan in two parts: from the database, which is compared once more under its locks, and from outside.

    `confirmed_at`: when SES last confirmed something that the plan is about. It is not part of the token.
    """

    subject: Subject
    database: Database
    outside: Outside
    confirmed_at: datetime | None

    @property
    def token(self) -> PlanToken:
        return PlanToken.of(self.subject, self.database, self.outside)

    def doubts(self) -> list[Doubt]:
        """What is unconfirmed or could not be looked up."""
        raise NotImplementedError

    @property
    def certain(self) -> bool:
        """Whether all of it is confirmed and could be looked up."""
        return not self.doubts()

    def headline(self) -> str:
        """What goes, in one line."""
        raise NotImplementedError

    @property
    def begun(self) -> bool:
        """Whether the deletion has begun. Then there is no choice left to confirm."""
        return False

    def parts(self) -> list[Part]:
        """All that the plan says, in the order for people."""
        raise NotImplementedError

    def as_values(self) -> dict[str, Any]:
        """The members of the JSON object. The plan's serializer puts them in order."""
        values = {"token": self.token, "isCertain": self.certain, "sesConfirmedAt": self.confirmed_at}
        return values | {name: value for part in self.parts() for name, value in part.members.items()}

    def check(self, token: str) -> None:
        """Raise PlanOutdated unless `token` is this plan's."""
        plan_token.check(token, self.subject, self.database, self.outside)
