"""What waits for SES, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce, Now

from backoffice.text import listed, plural
from desk.state import wording
from desk.state.drift import findings as drift_findings
from desk.state.values import RECIPIENTS, Difference, Finding, Kind, LastSweep, Level, Quota, Tally
from domains.models import Domain, DomainDeletion
from ses_integration.api import SyncState, ses_overview

ALMOST_FULL = 0.8
# For so long the loss of its DNS records needs somebody, and so many domains are named.
LATELY, NAMED = timedelta(days=7), 3
DOMAIN, DELETION = "domains.domain", "domains.domaindeletion"


@dataclass(slots=True)
class SesFacts:
    region: str
    rule_set: str
    account: str
    quotas: list[Quota]
    sweep: LastSweep | None = None
    unreachable: int = 0
    findings: list[Finding] = field(default_factory=list)
    tallies: dict[tuple[Kind, Level], Tally] = field(default_factory=dict)


def read_ses(owner: User | None, most: int) -> SesFacts:
    """Fourteen statements, with an owner fifteen."""
    overview = ses_overview(names=None if owner is None else _names_of(owner), most=most)
    quotas = [Quota(one.name, one.used, one.limit, one.foreign, one.learned) for one in overview.usage]
    facts = SesFacts(overview.region, overview.rule_set, overview.account, quotas)
    pages = _pages([state.domain for state in overview.pending])
    facts.findings = [_change(state, pages.get(state.domain)) for state in overview.pending]
    for status, pending in overview.numbers.items():
        level = Level[_LEVELS[status.name]]
        kind = Kind.UNANSWERED_CALL if level is Level.UNCONFIRMED else Kind.SES_CHANGE
        facts.tallies[kind, level] = Tally(pending.number, pending.since)
    for scope in overview.elsewhere if owner is None else ():
        facts.findings.append(
            Finding(
                Kind.PREVIOUS_SCOPE,
                Level.NEEDS_YOU,
                subject=scope.place,
                what=wording.left_elsewhere(scope.contents),
                act=wording.CHECK_REGION,
            )
        )
    facts.findings += _almost_full(quotas)
    facts.unreachable, lost = _not_receiving(owner)
    if lost is not None:
        facts.findings.append(lost)
        facts.tallies[lost.kind, lost.level] = Tally(lost.number, lost.since)
    if overview.sweep is not None:
        listed = [_difference(one) for one in overview.sweep.listed]
        names = None if owner is None else set(Domain.objects.owned_by(owner).values_list("name", flat=True))
        facts.sweep = _sweep(overview.sweep, listed, is_shown=owner is None)
        facts.findings += drift_findings(listed, names)
    return facts


def _sweep(last: Any, listed: list[Difference], *, is_shown: bool) -> LastSweep:
    """`last`: a `Comparison` of `ses_integration`. `is_shown`: what it has found, which names everybody's domains."""
    sweep = LastSweep(last.began_at, last.ended_at, last.problem, last.needs_you, last.looked_at)
    if not is_shown:
        return sweep
    return replace(sweep, differences=last.number, foreign_rules=last.foreign_rules, listed=listed)


def _difference(one: Any) -> Difference:
    """`one`: a `Difference` of `ses_integration`."""
    return Difference(
        sort=one.kind,
        kind=one.resource,
        name=one.name,
        domain=one.domain,
        why=one.reason,
        text=one.text,
        is_problem=one.is_problem,
        lasts=one.lasts,
        takes_from=one.takes_from,
        takes_everything=one.takes_everything,
        since=one.since,
    )


# The names of SyncStatus.
_LEVELS = {"NEEDS_ATTENTION": "NEEDS_YOU", "UNCONFIRMED": "UNCONFIRMED", "PENDING": "PENDING"}


def _names_of(owner: User) -> Any:
    """Names that are the owner's, or were and belong to nobody else now."""
    deleted = DomainDeletion.objects.owned_by(owner).pending().exclude(name__in=Domain.objects.values("name"))
    return Domain.objects.owned_by(owner).values_list("name").union(deleted.values_list("name"))


def _pages(names: list[str]) -> dict[str, tuple[str, str, int | None]]:
    """The model, key and owner of the domain of each name, or of its deletion if the domain is gone. Two statements."""
    deletions = DomainDeletion.objects.pending().filter(name__in=names).values_list("name", "pk", "owner_id")
    domains = Domain.objects.live().filter(name__in=names).values_list("name", "pk", "owner_id")
    return {
        **{name: (DELETION, pk, owner_id) for name, pk, owner_id in deletions},
        **{name: (DOMAIN, pk, owner_id) for name, pk, owner_id in domains},
    }


def _change(state: SyncState, page: tuple[str, str, int | None] | None) -> Finding:
    level = Level[_LEVELS[state.status.name]]
    return Finding(
        Kind.UNANSWERED_CALL if level is Level.UNCONFIRMED else Kind.SES_CHANGE,
        level,
        subject=state.domain,
        what=wording.deletion_behind(state.lag) if page and page[0] == DELETION else state.lag,
        why=state.details or state.reason,
        act=wording.ACT_ON_REFUSAL if level is Level.NEEDS_YOU else "",
        since=state.changed_at,
        tries=state.attempts,
        # Changes are sent before an unanswered call is repeated.
        next_try=state.retry_at if state.behind else state.unknown_until,
        domain=state.domain,
        owner_id=page[2] if page else None,
        page=page[:2] if page else None,
    )


def _not_receiving(owner: User | None) -> tuple[int, Finding | None]:
    """How many domains have lost their DNS records, and one finding for those that have lost them lately. Two statements.

    DNS is the business of each domain's owner: it must not hide the rest, and those who do not act are not told of for good.
    """
    lost_since = Coalesce("unverified_since", "missing_since", "verified_at")
    domains = Domain.objects.not_receiving().annotate(since=lost_since)
    if owner is not None:
        domains = domains.owned_by(owner)
    lately = Q(since__gte=Now() - LATELY)
    lost = domains.aggregate(every=Count("pk"), number=Count("pk", filter=lately), oldest=Min("since", filter=lately))
    number = lost["number"]
    if not number:
        return lost["every"], None
    first = list(domains.filter(lately).order_by("since", "pk")[:NAMED])
    alone = first[0] if number == 1 else None
    names = listed([one.name for one in first], NAMED, total=number)
    finding = Finding(
        Kind.DOMAIN,
        Level.NEEDS_YOU,
        subject=alone.name if alone else plural(number, "domain"),
        what=wording.do_not_receive(number),
        why=(alone.status_reason or wording.NO_MX) if alone else f"{names}.",
        act=wording.ACT_ON_DOMAINS,
        since=lost["oldest"],
        domain=alone.name if alone else "",
        owner_id=alone.owner_id if alone else None,
        page=(DOMAIN, alone.pk if alone else ""),
        number=number,
    )
    return lost["every"], finding


def _almost_full(quotas: list[Quota]) -> Iterator[Finding]:
    for quota in quotas:
        # A rule that is full is followed by another one.
        if quota.name != RECIPIENTS and quota.used >= ALMOST_FULL * quota.limit:
            yield Finding(
                Kind.QUOTA,
                Level.NEEDS_YOU,
                subject=quota.name,
                what=wording.quota(quota),
                act=wording.ACT_ON_QUOTA,
            )
