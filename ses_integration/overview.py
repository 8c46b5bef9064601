"""Everything that the database knows about SES, for whoever asks what waits and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import quotas
from ses_integration.drift.model import DriftKind
from ses_integration.drift.previous_scopes import PreviousScope, find_previous_scopes
from ses_integration.models import (
    DomainSync,
    InFlightCall,
    LedgerEntry,
    LedgerRecipient,
    RuleSetState,
    SendingLimit,
    SesSweep,
)
from ses_integration.plan.compile import RULES_PER_SET
from ses_integration.plan.resources import ResourceKind
from ses_integration.status.sync_state import SyncState, SyncStatus, pending_domains, states_of


@dataclass(frozen=True, slots=True)
class Pending:
    """How many domains have this state, and when the rows of the one that waits longest last changed."""

    number: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of one quota. `foreign`: how many of `used` are not ours. `learned`: SES has refused what its documents allow."""

    name: str
    used: int
    limit: int
    foreign: int = 0
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference that a comparison has found. `kind` and the rest as in `Drift`.

    `text`: its line in the report of `ses_reconcile`. `is_problem`: otherwise it is information. `lasts`: the worker does not
    repair it. `takes_from`: domains of ours whose mail it takes. `since`: when it was first found.
    """

    kind: str
    resource: str
    name: str
    domain: str
    reason: str
    text: str
    is_problem: bool
    lasts: bool
    intrudes: bool
    takes_from: Sequence[str] = ()
    takes_everything: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last sweep of SES. `ended_at`: when the last one succeeded. `problem`: why the last one failed.

    `number` and `foreign_rules` count all problems; `listed` has the gravest.
    """

    began_at: datetime
    ended_at: datetime | None
    looked_at: datetime
    problem: str
    needs_you: bool
    number: int
    foreign_rules: int
    listed: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class SesOverview:
    """`pending`: the domains that are not up to date, the worst and oldest of them; `numbers` has all of them.

    `elsewhere`: what previous regions and rule sets may still hold.
    """

    region: str
    rule_set: str
    account: str
    pending: Sequence[SyncState] = ()
    numbers: Mapping[SyncStatus, Pending] = field(default_factory=dict)
    usage: Sequence[Usage] = ()
    elsewhere: Sequence[PreviousScope] = ()
    sweep: Comparison | None = None


def ses_overview(*, names: QuerySet[Any, str] | None = None, most: int = 200) -> SesOverview:
    """Read it: ten statements, no call to AWS. `names`: only these domains. `most`: how many pending domains are listed."""
    config = ses_config()
    state = RuleSetState.objects.of(config).first() or RuleSetState()
    pending = pending_domains() if names is None else pending_domains().filter(domain__in=names)
    return SesOverview(
        config.region,
        config.rule_set,
        state.account,
        states_of(pending.order_by("-stalled", "changed_at", "domain")[:most]),
        _numbers(config, pending),
        [*_ledger_usage(config, state), *_sending_usage(config)],
        find_previous_scopes(config),
        last_comparison(config),
    )


def last_comparison(config: SesConfig) -> Comparison | None:
    """One statement. None before the first sweep."""
    row = SesSweep.objects.of(config).first()
    if row is None:
        return None
    listed = [_difference(value) for value in row.differences]
    times, failure = (row.began_at, row.ended_at, row.looked_at), (row.problem, row.needs_you)
    return Comparison(*times, *failure, row.number, row.foreign_rules, listed)


def _difference(value: Mapping[str, Any]) -> Difference:
    takes_from, everything = value["takesFrom"], value["takesEverything"]
    return Difference(
        kind=value["sort"],
        resource=value["kind"],
        name=value["name"],
        domain=value["domain"],
        reason=value["why"],
        text=value["text"],
        is_problem=value["drift"],
        lasts=value["lasts"],
        intrudes=value["sort"] == DriftKind.FOREIGN.wire and bool(everything or takes_from),
        takes_from=takes_from,
        takes_everything=everything,
        since=datetime.fromisoformat(value["since"]),
    )


def _numbers(config: SesConfig, pending: QuerySet[DomainSync]) -> dict[SyncStatus, Pending]:
    """As `SyncState.of` decides."""
    unanswered = InFlightCall.objects.of(config).filter(entry__domain=OuterRef("domain"), until__gt=Now())
    is_unconfirmed = Q(stalled=False, may_apply=True)
    kinds = {
        SyncStatus.NEEDS_ATTENTION: Q(stalled=True),
        SyncStatus.UNCONFIRMED: is_unconfirmed,
        SyncStatus.PENDING: Q(stalled=False, may_apply=False),
    }
    rows = pending.order_by().annotate(may_apply=Exists(unanswered))
    found = rows.aggregate(
        **{f"n_{kind.name}": Count("pk", filter=condition) for kind, condition in kinds.items()},
        **{f"since_{kind.name}": Min("changed_at", filter=condition) for kind, condition in kinds.items()},
    )
    return {kind: Pending(found[f"n_{kind.name}"], found[f"since_{kind.name}"]) for kind in kinds}


def _ledger_usage(config: SesConfig, state: RuleSetState) -> list[Usage]:
    ours = dict.fromkeys(ResourceKind, 0)
    counts = LedgerEntry.objects.of(config).order_by().values("kind").annotate(number=Count("pk"))
    ours |= {ResourceKind(kind): number for kind, number in counts.values_list("kind", "number")}
    sizes = LedgerRecipient.objects.of(config).order_by().values("entry").annotate(size=Count("pk"))
    fullest = sizes.aggregate(fullest=Max("size"))["fullest"] or 0
    recipients = quotas.layout_within(config, state.recipients_per_rule).max_recipients
    rules = quotas.rule_limit(state)
    return [
        Usage(
            "rules",
            ours[ResourceKind.RULE] + state.foreign_rules,
            rules,
            state.foreign_rules,
            learned=rules < RULES_PER_SET,
        ),
        Usage(
            "identities",
            ours[ResourceKind.IDENTITY] + state.foreign_identities,
            config.max_identities,
            state.foreign_identities,
        ),
        Usage("recipients of the fullest rule", fullest, recipients, learned=recipients < config.max_recipients),
    ]


def _sending_usage(config: SesConfig) -> list[Usage]:
    """As SES has last said. Without a limit there is none to show."""
    row = SendingLimit.objects.filter(region=config.region, per_day__gt=0).first()
    return [] if row is None else [Usage("mails sent in 24 hours", int(row.sent), int(row.per_day))]
