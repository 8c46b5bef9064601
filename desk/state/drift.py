"""What the last comparison with SES has found and the worker does not repair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from desk.state import wording
from desk.state.values import Difference, Finding, Kind, Level

# Kinds of differences in the JSON of `ses_reconcile`.
FOREIGN, NOT_ACTIVE, OUT_OF_ORDER = "foreign", "not active", "out of order"


def findings(listed: Iterable[Difference], names: Collection[str] | None) -> Iterator[Finding]:
    """`names`: the domains of an owner. Then only what concerns these or everybody, without the names of others."""
    lasting = [one for one in listed if one.lasts and (names is None or _concerns(one, names))]
    for one in lasting:
        if one.sort == FOREIGN:
            yield _foreign(one, names)
        elif one.sort == NOT_ACTIVE:
            act = wording.ACT_ON_RULE_SET
            yield Finding(
                Kind.RULE_SET, Level.NEEDS_YOU, one.name, wording.NOT_ACTIVE, wording.sentence(one.why), act, one.since
            )
        elif one.sort != OUT_OF_ORDER:
            act = "" if wording.CLEANS_UP in one.why else wording.CLEAN_UP
            why = wording.sentence(one.why)
            yield Finding(Kind.DRIFT, Level.NEEDS_YOU, one.name, wording.leftover(one), why, act, one.since)
    yield from _out_of_order([one for one in lasting if one.sort == OUT_OF_ORDER])


def _concerns(one: Difference, names: Collection[str]) -> bool:
    everybody = one.sort == NOT_ACTIVE or one.takes_everything
    return everybody or one.domain in names or any(name in names for name in one.takes_from)


def _foreign(one: Difference, names: Collection[str] | None) -> Finding:
    taken = [name for name in one.takes_from if names is None or name in names]
    return Finding(
        Kind.FOREIGN_RULE,
        Level.NEEDS_YOU,
        subject=one.name,
        what=wording.foreign_rule(one, taken),
        why=wording.sentence(one.why),
        act=wording.ACT_ON_FOREIGN_RULE,
        since=one.since,
        domain=taken[0] if len(taken) == 1 else "",
    )


def _out_of_order(some: Sequence[Difference]) -> Iterator[Finding]:
    """One finding for each reason: a rule in front of others may be in front of many."""
    groups: dict[str, list[Difference]] = defaultdict(list)
    for one in some:
        groups[one.why].append(one)
    for why, group in groups.items():
        yield Finding(
            Kind.DRIFT,
            Level.NEEDS_YOU,
            subject=group[0].name if len(group) == 1 else wording.rules(len(group)),
            what=wording.OUT_OF_ORDER,
            why=wording.sentence(why),
            act=wording.ACT_ON_ORDER,
            since=min((one.since for one in group if one.since), default=None),
            domain=group[0].domain if len(group) == 1 else "",
        )
