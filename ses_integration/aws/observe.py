"""Observe what SES holds: one description of the rule set and one list of identities, within the rate limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ses_integration.aws import account
from ses_integration.aws.gateway import Gateway
from ses_integration.aws.observed import ObservedIdentities, ObservedRule
from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import RuleSetMissing, SesError


@dataclass(frozen=True, slots=True)
class Observation:
    """What SES held at some moment after `asked_at`. Ledger entries that have changed since then are newer.

    `rules`: the rules of our rule set, in order. `identities`: domain names in lower case. `address_identities`: number of
    identities of single addresses. `active`: name of the active rule set, empty if none is active or it was not asked for.
    `active_elsewhere`: its rules, if it is not ours. `identities_error`: why `identities` is empty, if they could not be listed.
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
    """Observe rules and identities: one call, and one more for each 1,000 identities. Raises SesError."""
    gateway = Gateway(config, verified=account.verify(config))
    with rate_limited(config):
        asked_at = database_now()
        rules = _rules(gateway)
    return _require_identities(_observation(gateway, asked_at, rules))


def observe_active_rules(config: SesConfig) -> tuple[str, list[ObservedRule]]:
    """Name and rules of the active rule set; one call. Raises SesError."""
    gateway = Gateway(config, verified=account.verify(config))
    with rate_limited(config):
        return gateway.active_rules()


def observe_with_active_set(config: SesConfig) -> Observation:
    """Like `observe`, and observe the active rule set: one more call if it is not ours. Raises SesError."""
    return _require_identities(observe_all_rules(config))


def observe_all_rules(config: SesConfig) -> Observation:
    """Like `observe_with_active_set`, but return an error about the identities in `identities_error` instead of raising it."""
    gateway = Gateway(config, verified=account.verify(config))
    with rate_limited(config):
        asked_at = database_now()
        active, active_rules = gateway.active_rules()
    if active == config.rule_set:
        return _observation(gateway, asked_at, active_rules, active)
    with rate_limited(config):
        rules = _rules(gateway)
    return _observation(gateway, asked_at, rules, active, active_rules)


def _rules(gateway: Gateway) -> list[ObservedRule] | None:
    try:
        return gateway.rules()
    except RuleSetMissing:
        return None


def _observation(
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


def _require_identities(observation: Observation) -> Observation:
    if observation.identities_error is not None:
        raise observation.identities_error
    return observation
