"""Tokens of deletion plans: three keyed digests, so that plans need not be stored (docs/api/plans.md)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from django.utils.crypto import constant_time_compare

from rest.keyed_digests import keyed_digests

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Changing it would make the tokens that clients hold outdated.
SALT = "rest.plan_token"
DIGEST_BYTES = 16
DIGEST = r"[A-Za-z0-9_-]{22}"
TOKEN = re.compile(rf"plan_({DIGEST})\.({DIGEST})\.({DIGEST})")


class PlanOutdated(Exception):
    """The token does not belong to the current plan. Nothing was deleted."""


class OtherSortOfPlan(PlanOutdated):
    """The token belongs to the current plan of a permanent deletion, and this one is not, or the other way round."""

    def __init__(self, *, permanent: bool) -> None:
        """`permanent`: what the deletion asks for."""
        super().__init__()
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Subject:
    """The row that a plan is about: its kind, primary key and owner."""

    kind: str
    pk: str
    owner_id: int


@dataclass(frozen=True, slots=True)
class PlanToken:
    """Digests of the plan's two parts, from the database and from outside, and a seal that ties them to a subject."""

    database: str
    outside: str
    seal: str

    def __str__(self) -> str:
        return f"plan_{self.database}.{self.outside}.{self.seal}"

    @classmethod
    def of(cls, subject: Subject, database: DataclassInstance, outside: DataclassInstance) -> Self:
        """The token of a plan with these two parts. They must not contain the current time, because every value counts."""
        first, second = _digest(subject, asdict(database)), _digest(subject, asdict(outside))
        return cls(first, second, _digest(subject, first, second))

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse a token. Raises ValueError if the text cannot be one."""
        match = TOKEN.fullmatch(text)
        if match is None:
            raise ValueError("not the token of a deletion plan")
        return cls(*match.groups())

    def is_of(self, subject: Subject) -> bool:
        """Whether the token belongs to any plan of `subject`, outdated or not, even if the row is gone."""
        return _matches(self.seal, subject, self.database, self.outside)


def check(token: str, subject: Subject, database: DataclassInstance, outside: DataclassInstance | None = None) -> None:
    """Check subject and database part of a token, and the part from outside if it is given. Raises PlanOutdated."""
    try:
        given = PlanToken.read(token)
    except ValueError as error:
        raise PlanOutdated from error
    if not (
        given.is_of(subject)
        and _matches(given.database, subject, asdict(database))
        and (outside is None or _matches(given.outside, subject, asdict(outside)))
    ):
        raise PlanOutdated


def _matches(digest: str, subject: Subject, *values: object) -> bool:
    return any(constant_time_compare(digest, it) for it in _digests(subject, *values))


def _digest(subject: Subject, *values: object) -> str:
    return next(_digests(subject, *values))


def _digests(subject: Subject, *values: object) -> Iterator[str]:
    """22 characters that need no escaping in URLs, for each key. `values` must be JSON-serializable."""
    text = json.dumps([asdict(subject), *values], sort_keys=True)
    for digest in keyed_digests(SALT, text):
        yield urlsafe_b64encode(digest[:DIGEST_BYTES]).decode().rstrip("=")
