"""A comparison of the rows and the ledger with what SES holds now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ses_integration.aws.gateway import Gateway
from ses_integration.aws.observe import Observation, observe_with_active_set
from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.drift.detect import detect
from ses_integration.drift.foreign import tags_to_read
from ses_integration.drift.model import Drift, DriftInput
from ses_integration.drift.previous_scopes import find_previous_scopes
from ses_integration.errors import NotFound
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile import snapshot
from ses_integration.status.sync_state import pending_domains, states_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """What SES was observed to hold, and how it differs from rows and ledger."""

    seen: Observation
    found: list[Drift]


def compare(
    config: SesConfig,
    *,
    tags: Callable[[DriftInput], Sequence[str]] = tags_to_read,
    owners: dict[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda number, total: None,
) -> Comparison:
    """Observe SES once and detect drift. Changes nothing; raises SesError.

    `tags` names the identities whose tag is read, each with a call of its own. `owners` has the tags that were read before,
    and gains the others. `progress` is called after each, with its number (from 1) and how many there are.
    """
    recorded_before = recorded_names(config)
    return compare_with(config, observe_with_active_set(config), recorded_before, tags, owners, progress)


def recorded_names(config: SesConfig) -> frozenset[tuple[str, str]]:
    """Kind and name of what the ledger has. Read before SES is asked: a rule that is removed meanwhile must not look like an
    orphan."""
    return frozenset(LedgerEntry.objects.of(config).values_list("kind", "name"))


def compare_with(
    config: SesConfig,
    seen: Observation,
    recorded_before: frozenset[tuple[str, str]],
    tags: Callable[[DriftInput], Sequence[str]] = tags_to_read,
    owners: dict[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda number, total: None,
) -> Comparison:
    """Detect drift in an observation. As `compare`."""
    drift_input = _drift_input(config, seen, recorded_before)
    owners = {} if owners is None else owners
    unread = [name for name in tags(drift_input) if name not in owners]
    for number, name in enumerate(unread, 1):
        owners[name] = _owner_of(config, name)
        progress(number, len(unread))
    return Comparison(seen, detect(replace(drift_input, owners=owners)))


def _owner_of(config: SesConfig, identity: str) -> str:
    """The installation that the identity's tag names, or an empty string; one call. Raises SesError."""
    with rate_limited(config):
        try:
            return Gateway(config).read_identity(identity).owner
        except NotFound:
            return ""


def _drift_input(config: SesConfig, seen: Observation, recorded_before: frozenset[tuple[str, str]]) -> DriftInput:
    newer = LedgerEntry.objects.of(config).filter(changed_at__gte=seen.asked_at)
    return DriftInput(
        rule_set=config.rule_set,
        rule_prefix=config.rule_prefix,
        bucket=config.bucket,
        installation=config.installation_id,
        rules=seen.rules,
        identities=seen.identities,
        desired=snapshot.desired_of(config, None),
        entries=snapshot.recorded_of(config, None, database_now()),
        active=seen.active,
        rule_set_exists=seen.rule_set_exists,
        changing=frozenset(newer.values_list("domain", flat=True)),
        recorded_before=recorded_before,
        known_domains=frozenset(DomainSync.objects.of(config).values_list("domain", flat=True)),
        pending={state.domain: state.backlog for state in states_of(pending_domains())},
        elsewhere={scope.place: scope.size for scope in find_previous_scopes(config)},
    )
