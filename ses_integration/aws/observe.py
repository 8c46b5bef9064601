"""One look at what SES holds: the rule set and the list of identities, each call in its turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ses_integration.aws import account
from ses_integration.aws.gateway import Gateway, ObservedIdentities
from ses_integration.aws.observed import ObservedRule
from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import RuleSetMissing, SesError


@dataclass(frozen=True, slots=True)
class Observation:
    """What SES held at some moment after `asked_at`: a ledger row that is newer than that knows better.

    `identities` are those of domains, `address_identities` how many there are of single addresses; `rules` in SES's order;
    `active` is the set that receives mail now, empty if none does or nobody asked, and `active_elsewhere` its rules where it
    is not ours. `identities_error` says why the identities could not be listed: that there are none says nothing then.
    """

    asked_at: datetime
    rules: tuple[ObservedRule, ...]
    identities: frozenset[str]
    address_identities: int = 0
    rule_set_exists: bool = True
    active: str = ""
    active_elsewhere: tuple[ObservedRule, ...] = ()
    identities_error: SesError | None = None

    @property
    def all_rules(self) -> tuple[ObservedRule, ...]:
        return (*self.rules, *self.active_elsewhere)


def observe(config: SesConfig) -> Observation:
    """DescribeReceiptRuleSet, and ListEmailIdentities for each 1,000. Raises SesError; a missing set holds no rules."""
    return _complete(observe_rules(config))


def observe_rules(config: SesConfig) -> Observation:
    """The same, but where only the identities cannot be listed, the look has the rules, and the error in `identities_error`."""
    account.verify(config)
    gateway = Gateway(config)
    with rate_limited(config):
        asked_at = database_now()
        rules = _rules(gateway)
    return _look(gateway, asked_at, rules)


def observe_with_active_set(config: SesConfig) -> Observation:
    """The same, and which set is active: one call instead of the Describe while it is ours, else one more."""
    account.verify(config)
    gateway = Gateway(config)
    with rate_limited(config):
        asked_at = database_now()
        active, found = gateway.active_rules()
    if active == config.rule_set:
        return _complete(_look(gateway, asked_at, found, active))
    with rate_limited(config):
        rules = _rules(gateway)
    return _complete(_look(gateway, asked_at, rules, active, found))


def _rules(gateway: Gateway) -> list[ObservedRule] | None:
    try:
        return gateway.rules()
    except RuleSetMissing:
        return None


def _look(
    gateway: Gateway,
    asked_at: datetime,
    rules: list[ObservedRule] | None,
    active: str = "",
    elsewhere: Sequence[ObservedRule] = (),
) -> Observation:
    identities, identities_error = ObservedIdentities([], 0), None
    try:
        identities = gateway.identities()
    except SesError as error:
        identities_error = error
    return Observation(
        asked_at=asked_at,
        rules=tuple(rules or ()),
        identities=frozenset(name.lower() for name in identities.domains),
        address_identities=identities.addresses,
        rule_set_exists=rules is not None,
        active=active,
        active_elsewhere=tuple(elsewhere),
        identities_error=identities_error,
    )


def _complete(seen: Observation) -> Observation:
    if seen.identities_error is not None:
        raise seen.identities_error
    return seen
