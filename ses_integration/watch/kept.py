"""Keep what a comparison with SES has found, and tell the log what is new."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from ses_integration.aws.observed import ObservedRule
from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.drift.compare import Comparison, recorded_names
from ses_integration.drift.model import Drift, DriftKind, Remedy
from ses_integration.errors import SesError
from ses_integration.models import SesSweep
from ses_integration.plan.resources import ResourceKind
from ses_integration.watch.lines import as_value, line

logger = logging.getLogger(__name__)

MOST_KEPT = 500
MOST_LOGGED = 20


def lasts(drift: Drift) -> bool:
    """Whether it stays until a person acts. The worker repairs everything else."""
    return drift.remedy in (Remedy.MANUAL, Remedy.MOVE) and drift.kind is not DriftKind.ELSEWHERE


def keep(config: SesConfig, comparison: Comparison) -> None:
    """Keep the problems, and what is not ours."""
    problems = [drift for drift in comparison.found if drift.is_problem]
    kept = sorted(comparison.found, key=lambda drift: (not lasts(drift), not drift.is_problem))[:MOST_KEPT]
    row = _row(config)
    _log_new([drift for drift in problems if lasts(drift)], row)
    row.ended_at = row.looked_at = now = database_now()
    row.problem, row.needs_you = "", False
    since = {_key(old): old["since"] for old in row.differences}
    values = [as_value(drift) | {"text": line(drift), "lasts": lasts(drift)} for drift in kept]
    row.differences = [value | {"since": since.get(_key(value), now.isoformat())} for value in values]
    row.number = len(problems)
    row.foreign_rules = sum(drift.intrudes for drift in problems)
    seen = comparison.seen
    active_rules = seen.rules if seen.active == config.rule_set else seen.active_elsewhere
    row.foreign_digest = foreign_digest(config, seen.active, active_rules)
    row.save()


def keep_failure(config: SesConfig, error: SesError) -> None:
    """Keep why SES could not be compared, and what the last comparison has found."""
    row = _row(config)
    row.problem, row.needs_you = error.sentence, error.needs_attention
    row.save()


def begin(config: SesConfig) -> None:
    row = _row(config)
    row.began_at = row.looked_at = database_now()
    row.save(update_fields=["began_at", "looked_at"])


def foreign_digest(config: SesConfig, active: str, rules: Sequence[ObservedRule]) -> str:
    """What others have in the active rule set, which of it stands in front of rules of ours, and which names our domains."""
    recorded = recorded_names(config)
    ours = {rule.name for rule in rules if (ResourceKind.RULE.value, rule.name) in recorded}
    last_of_ours = max((number for number, rule in enumerate(rules) if rule.name in ours), default=-1)
    foreign = [
        (
            *(rule.name, sorted(rule.recipients), rule.enabled, rule.ends, rule.may_end, rule.actions),
            number < last_of_ours,
            sorted(name for name in rule.domains if (ResourceKind.IDENTITY.value, name) in recorded),
        )
        for number, rule in enumerate(rules)
        if rule.name not in ours
    ]
    return hashlib.sha256(json.dumps([active, foreign]).encode()).hexdigest()


def _row(config: SesConfig) -> SesSweep:
    row = SesSweep.objects.of(config).first()
    if row is None:
        now = database_now()
        new = SesSweep(region=config.region, rule_set=config.rule_set, began_at=now, looked_at=now)
        with transaction.atomic():
            SesSweep.objects.bulk_create([new], ignore_conflicts=True)
        row = SesSweep.objects.of(config).get()
    return row


def _log_new(found: Sequence[Drift], row: SesSweep) -> None:
    """One warning for each finding that the last comparison did not have."""
    known = {_key(old) for old in row.differences}
    new = [drift for drift in found if _key(as_value(drift)) not in known]
    for drift in new[:MOST_LOGGED]:
        logger.warning("SES: %s", line(drift))
    if len(new) > MOST_LOGGED:
        logger.warning("SES: %s more; ses_reconcile shows them.", len(new) - MOST_LOGGED)


def _key(value: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(value[name] for name in ("sort", "kind", "name", "domain"))
