"""Refusing what SES has no room for before anything is written, instead of after (ses.md 9.3)."""

from __future__ import annotations

from ses_integration import capacity
from ses_integration.clock import database_now
from ses_integration.compiling import compile_domain
from ses_integration.config import ses_config
from ses_integration.models import Capacity, LedgerEntry
from ses_integration.planning import Kind, Known
from ses_integration.receiving import DomainReceiving


class NoRoom(Exception):
    """A quota of SES is used up; `sentence` says which, and what can be done."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def reserve(receiving: DomainReceiving, *, replaces: bool = False) -> None:
    """Take a place in SES for each rule and identity of `receiving` that has none yet, or raise NoRoom.

    For the transaction that changes the rows, after the mark: a refusal rolls all of it back. A place is a ledger row
    that says `absent`: what is in the ledger counts as used until SES is confirmed not to hold it. No SES call.
    `replaces`: `receiving` is all that the domain will have, so its other rules make room where there is none.
    """
    config = ses_config()
    wanted = compile_domain(receiving, capacity.layout(config))
    needed = {(Kind.RULE, rule.name) for rule in wanted.rules} | {(Kind.IDENTITY, receiving.name)}
    known = LedgerEntry.objects.of(config).filter(domain=receiving.name).values_list("kind", "name")
    places = {(Kind(kind), name) for kind, name in known}
    missing = needed - places
    if not missing:
        return
    leaving = {key for key in places - needed if key[0] is Kind.RULE} if replaces else set()
    # One at a time, or two would both take the last place. Always after the mark, and nothing is locked after it.
    Capacity.objects.select_for_update().get(pk=capacity.of_scope(config).pk)
    for kind in Kind:
        count = sum(key[0] is kind for key in missing)
        makes_room = sum(key[0] is kind for key in leaving)
        if count and capacity.used(config, kind).free + makes_room < count:
            raise NoRoom(_sentence(config.region, kind, capacity.used(config, kind).quota))
    now = database_now()
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                region=config.region,
                rule_set=config.rule_set,
                domain=receiving.name,
                kind=kind,
                name=name,
                known=Known.ABSENT,
                changed_at=now,
            )
            for kind, name in sorted(missing)
        ],
        # A rule's name that another domain has is convergence's to report.
        ignore_conflicts=True,
    )


def _sentence(region: str, kind: Kind, quota: int) -> str:
    if kind is Kind.RULE:
        return (
            f"SES has no room for another receipt rule: all {quota} of the rule set in {region} are used. "
            "Delete domains or addresses that are not needed any more."
        )
    return (
        f"SES has no room for another domain: all {quota} identities in {region} are used. "
        "Delete domains that are not needed any more."
    )
