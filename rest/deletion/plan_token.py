"""Tokens of deletion plans: three keyed digests, so that plans need not be stored (docs/api/plans.md)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from django.utils.crypto import constant_time_compare, salted_hmac

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Changing it would make the tokens that clients hold outdated.
SALT = "rest.plan_token"
DIGEST_BYTES = 16
DIGEST = r"[A-Za-z0-9_-]{22}"
TOKEN = re.compile(rf"plan_({DIGEST})\.({DIGEST})\.({DIGEST})")


class PlanOutdated(Exception):
    """The token does not belong to the current plan. Nothing was deleted."""


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
        return constant_time_compare(self.seal, _digest(subject, self.database, self.outside))


def check(token: str, subject: Subject, database: DataclassInstance) -> None:
    """Check subject and database part of a token, but not the part from outside. Raises PlanOutdated."""
    try:
        given = PlanToken.read(token)
    except ValueError as error:
        raise PlanOutdated from error
    if not given.is_of(subject) or not constant_time_compare(given.database, _digest(subject, asdict(database))):
        raise PlanOutdated


def _digest(subject: Subject, *values: object) -> str:
    """22 characters that need no escaping in URLs. `values` must be JSON-serializable."""
    text = json.dumps([asdict(subject), *values], sort_keys=True)
    code = salted_hmac(SALT, text, algorithm="sha256").digest()[:DIGEST_BYTES]
    return urlsafe_b64encode(code).decode().rstrip("=")
