"""Query parameters of GET /mail (docs/api/compatibility.md, "Received mail")."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Q, TextField
from django.db.models.functions import Cast, Now

from domains.names import normalise_domain
from mail.models import Message
from mail.status.outcome import OUTCOMES, with_outcome
from rest.filters import Filter, FlagFilter, IdFilter, TextFilter, containing, one_of

ALL = "all"
DAYS: Mapping[str, int] = {"30d": 30, "24h": 1, "7d": 7, "90d": 90}
DEFAULT_DAYS = 30

State = Message.State
FAILED = Q(message__state=State.MISSING) | (Q(message__state=State.INGESTED) & ~Q(message__parse_error=""))
PROCESSED = Q(message__state=State.INGESTED, message__parse_error="")


@dataclass(frozen=True, slots=True)
class NamedFilter:
    """Base of parameters with names for conditions. Unknown ones are refused."""

    parameter: str
    choices: tuple[str, ...]

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.choices]}


class TimeRangeFilter(NamedFilter):
    def days(self, text: str | None) -> int | None:
        """None: without limit."""
        name = one_of(self.parameter, text, self.choices) if text else ""
        return None if name == ALL else DAYS.get(name, DEFAULT_DAYS)

    def apply(self, rows: Any, text: str | None) -> Any:
        days = self.days(text)
        # The database's clock, because the query is built once.
        return rows if days is None else rows.filter(arrived_at__gte=Now() - timedelta(days=days))


class ParseStatusFilter(NamedFilter):
    conditions: ClassVar[Mapping[str, Q]] = {"processed": PROCESSED, "failed": FAILED}

    def apply(self, rows: Any, text: str | None) -> Any:
        condition = self.conditions.get(one_of(self.parameter, text, self.choices)) if text else None
        return rows if condition is None else rows.filter(condition)


class OutcomeFilter(NamedFilter):
    """Emails by what has become of them."""

    def apply(self, rows: Any, text: str | None) -> Any:
        return with_outcome(rows, one_of(self.parameter, text, self.choices)) if text else rows


class ArchivedFilter(FlagFilter):
    """Archived mail is hidden by default."""

    def apply(self, rows: Any, text: str | None) -> Any:
        return rows if self.value(text) else rows.filter(is_archived=False)


def _of_address(rows: Any, text: str) -> Any:
    """Mail to or from an address: that of the envelope, or one in From, To, Cc, Bcc or Reply-To."""
    text = text.strip()
    # Members of the JSON column, which SQLite stores with escapes and PostgreSQL without.
    members = Q()
    for escaped in {json.dumps(text), json.dumps(text, ensure_ascii=False)}:
        members |= Q(addresses_text__icontains=f'"address": {escaped}')
    return rows.alias(addresses_text=Cast("message__addresses", TextField())).filter(
        Q(recipient=text.lower()) | Q(message__from_address__iexact=text) | members
    )


def named_domain(text: str) -> str:
    """The domain that the parameter names, empty for all. A text that is no name finds nothing."""
    if text in ("", ALL):
        return ""
    try:
        return normalise_domain(text)
    except ValueError:
        return text


def _of_domain(rows: Any, text: str) -> Any:
    name = named_domain(text)
    return rows.filter(domain__name=name) if name else rows


SEARCHED = [
    "message__subject", "message__from_address", "message__from_name", "recipient", "message__addresses__to__text",
]  # fmt: skip
SEARCH = TextFilter("search", containing(*SEARCHED))
STATUS = ParseStatusFilter("status", (ALL, "processed", "failed"))
OUTCOME = OutcomeFilter("outcome", tuple(OUTCOMES))
DOMAIN = TextFilter("domain", _of_domain)
TIME_RANGE = TimeRangeFilter("timeRange", (*DAYS, ALL))
ARCHIVED = ArchivedFilter("includeArchived", "is_archived")
ADDRESS = TextFilter("emailAddress", _of_address)
EMAIL_ID = IdFilter("emailId", "pk")

FILTERS: Sequence[Filter] = [SEARCH, STATUS, OUTCOME, DOMAIN, TIME_RANGE, ARCHIVED, ADDRESS, EMAIL_ID]


def are_counted(query: Mapping[str, str]) -> bool:
    """Whether the database has counts for this query: there are none for a search, an address, an id, a status or an outcome."""
    used = any(query.get(each.parameter) for each in (SEARCH, ADDRESS, EMAIL_ID, OUTCOME))
    return not used and query.get(STATUS.parameter) not in STATUS.conditions
