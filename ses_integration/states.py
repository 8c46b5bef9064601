"""How far SES is behind the rows, in two parts: a word, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from ses_integration.config import ses_config
from ses_integration.lives import digest_of
from ses_integration.models import DomainMark, LedgerEntry, UnansweredCall
from ses_integration.planning import Kind, Known


@dataclass(frozen=True, slots=True)
class State:
    """`in line`, `owed`, `in doubt` or `needs attention`, and why; `next_try` is empty where it is due now or nothing is."""

    word: str
    why: str = ""
    next_try: datetime | None = None

    def __str__(self) -> str:
        return f"{self.word}{'' if self.word == 'in doubt' else ':'} {self.why}" if self.why else self.word


def state(mark: DomainMark | None, doubt_until: datetime | None) -> State:
    """`doubt_until`: when the last unanswered call for the name can no longer be applied."""
    if mark is None:
        return State("owed", "not looked at yet")
    if mark.needs_attention:
        return State("needs attention", mark.last_error, mark.next_attempt)
    if doubt_until is not None and doubt_until > timezone.now():
        return State("in doubt", f"until {doubt_until:%H:%M} UTC", doubt_until)
    if mark.owed or doubt_until is not None:
        return State("owed", mark.last_error or "not tried yet", mark.next_attempt)
    return State("in line")


def states(domains: Iterable[str]) -> dict[str, State]:
    """The state of each name; two statements, however many there are."""
    config, names = ses_config(), set(domains)
    marks = {mark.domain: mark for mark in DomainMark.objects.of(config).filter(domain__in=names)}
    unanswered = UnansweredCall.objects.of(config).filter(entry__domain__in=names).order_by()
    doubts = dict(unanswered.values_list("entry__domain").annotate(Max("until")))
    return {name: state(marks.get(name), doubts.get(name)) for name in names}


def recipients_by_rule(
    key_prefixes: Mapping[str, str], addresses: QuerySet[Any, Any], catch_alls: Iterable[str]
) -> dict[str, dict[str, int]]:
    """For each name, the rules that SES is known to hold and how many recipients they have; one statement.

    Nothing of what another life of the name has left: what the life with this key prefix has written, and of other rules
    the recipients that are among `addresses`, a list for `__in`, and the names that are `catch_alls`.
    """
    config = ses_config()
    digests = [digest_of(name, key_prefix, config.layout) for name, key_prefix in key_prefixes.items()]
    own = Q(recipients__recipient__in=addresses) | Q(recipients__recipient__in=list(catch_alls))
    counted = Count("recipients", filter=Q(digest__in=digests) | own)
    rows = LedgerEntry.objects.of(config).filter(domain__in=key_prefixes, kind=Kind.RULE, known=Known.PRESENT)
    found: dict[str, dict[str, int]] = {}
    for domain, name, recipients in (
        rows.values_list("domain", "name").annotate(n=counted).filter(n__gt=0).order_by("name")
    ):
        found.setdefault(domain, {})[name] = recipients
    return found
