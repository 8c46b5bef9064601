"""Load the planner's inputs: desired state from the rows (SES_SPEC_PROVIDER) and recorded state from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

from ses_integration.conf import SesConfig
from ses_integration.coordination import quotas
from ses_integration.models import InFlightCall, LedgerEntry, LedgerRecipient, statements
from ses_integration.plan.compile import DesiredState, Layout, compile_domain
from ses_integration.plan.diff import Plan, plan
from ses_integration.plan.resources import Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome
from ses_integration.plan.spec import DomainSpec
from ses_integration.reconcile.queue import LockedDomain


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Desired and recorded state of one domain, read in a transaction that had its DomainSync row locked.

    It stays right as long as `generation` is the same (docs/architecture/protocol.md, "Settle in memory").
    """

    sync_id: int
    domain: str
    generation: int
    desired: DesiredState
    resources: Mapping[tuple[ResourceKind, str], RecordedResource]

    @classmethod
    def load(cls, config: SesConfig, locked: LockedDomain) -> Self:
        """Read the state of a locked domain, in three statements, or four with calls in flight."""
        layout = quotas.layout_within(config, locked.recipients_per_rule)
        # Read after the row was locked: every change of a row updates it, too.
        desired = desired_of(config, [locked.domain], layout)[locked.domain]
        recorded = _recorded_of_one(config, locked.domain, locked.now)
        resources = {resource.key: resource for resource in recorded}
        return cls(locked.pk, locked.domain, locked.generation, desired, resources)

    def plan(self, *, rule_set_full: bool = False) -> Plan:
        return plan(self.domain, self.desired, self.resources.values(), rule_set_full=rule_set_full)

    @property
    def in_flight(self) -> bool:
        """Whether a call has no answer yet."""
        return any(resource.unknown_outcomes for resource in self.resources.values())

    def with_resource(self, resource: RecordedResource) -> Self:
        """The snapshot after the holder of the lease has changed the ledger entry of one resource."""
        return replace(self, resources={**self.resources, resource.key: resource})

    def without(self, keys: Collection[tuple[ResourceKind, str]]) -> Self:
        """The snapshot after the ledger entries of these resources were deleted."""
        kept = {key: resource for key, resource in self.resources.items() if key not in keys}
        return replace(self, resources=kept)


def desired_of(
    config: SesConfig, domains: Iterable[str] | None, layout: Layout | None = None
) -> dict[str, DesiredState]:
    """Desired state by domain name, from the rows as this transaction sees them. None: of all live domains.

    `layout`: the layout with the learned recipient limit, if the caller has read it.
    """
    provider = import_string(settings.SES_SPEC_PROVIDER)
    names = None if domains is None else list(domains)
    layout = layout or quotas.layout(config)
    specs: dict[str, DomainSpec] = {spec.name: spec for spec in provider(names)}
    return {name: compile_domain(specs.get(name), layout) for name in (specs if names is None else names)}


def recorded_of(config: SesConfig, domains: Collection[str] | None, now: datetime) -> dict[str, list[RecordedResource]]:
    """Recorded state by domain name, in three statements. None: of all names in the ledger.

    Identities belong to the region. If only the ledger of another rule set knows one, it is returned as unknown, so that the
    planner reads it.
    """
    identity_of_other_set = Q(kind=ResourceKind.IDENTITY) & ~Q(presence=Presence.ABSENT)
    rows = LedgerEntry.objects.filter(Q(rule_set=config.rule_set) | identity_of_other_set, region=config.region)
    if domains is not None:
        rows = rows.filter(domain__in=domains)
    # Columns instead of instances, which would be most of the cost when a sweep reads a large ledger.
    entries = list(
        rows.order_by("name").values_list(
            "pk",
            "rule_set",
            "domain",
            "kind",
            "name",
            "presence",
            "exists",
            "digest",
            "identity__ours",
            "identity__verification_token",
            "identity__mail_from_domain",
        )
    )
    if not entries:
        return {}
    outcomes = _unknown_outcomes_by_entry(config, domains, now)
    return _resources(config, entries, recipients_by_entry(config, domains), outcomes)


def recipients_by_entry(config: SesConfig, domains: Collection[str] | None) -> dict[int, list[str]]:
    """Recorded recipients by ledger entry, in one statement. None: of all domains."""
    rows = LedgerRecipient.objects.of(config)
    if domains is not None:
        rows = rows.filter(entry__domain__in=domains)
    return _by_entry(rows.values_list("entry_id", "recipient"))


def _recorded_of_one(config: SesConfig, domain: str, now: datetime) -> list[RecordedResource]:
    rows = statements.READ_ENTRIES.rows(config.region, domain, config.rule_set)
    recipients = statements.READ_RECIPIENTS.rows(config.region, domain, config.rule_set) if rows else []
    in_flight = any(has_calls for *_, has_calls in rows)
    outcomes = _unknown_outcomes_by_entry(config, [domain], now) if in_flight else {}
    return _resources(config, [row[:-1] for row in rows], _by_entry(recipients), outcomes).get(domain, [])


def _by_entry(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for pk, recipient in rows:
        found[pk].append(recipient)
    return found


def _resources(
    config: SesConfig,
    entries: Collection[tuple[Any, ...]],
    recipients: Mapping[int, list[str]],
    unknown_outcomes: Mapping[int, list[UnknownOutcome]],
) -> dict[str, list[RecordedResource]]:
    own_identities = {
        name
        for _, rule_set, _, kind, name, *_ in entries
        if (rule_set, kind) == (config.rule_set, ResourceKind.IDENTITY)
    }
    found: dict[str, list[RecordedResource]] = defaultdict(list)
    for pk, rule_set, domain, kind, name, presence, exists, digest, ours, token, mail_from in entries:
        if rule_set != config.rule_set:
            if name not in own_identities:
                own_identities.add(name)
                found[domain].append(RecordedResource(ResourceKind.IDENTITY, name, Presence.UNKNOWN, exists=True))
            continue
        found[domain].append(
            RecordedResource(
                kind=ResourceKind(kind),
                name=name,
                presence=Presence(presence),
                exists=bool(exists),
                recipients=frozenset(recipients.get(pk, ())),
                digest=digest,
                ours=None if ours is None else bool(ours),
                has_verification_token=bool(token),
                has_mail_from=bool(mail_from),
                unknown_outcomes=tuple(unknown_outcomes.get(pk, ())),
                entry_id=pk,
            )
        )
    return dict(found)


def _unknown_outcomes_by_entry(
    config: SesConfig, domains: Collection[str] | None, now: datetime
) -> dict[int, list[UnknownOutcome]]:
    rows = InFlightCall.objects.of(config)
    if domains is not None:
        rows = rows.filter(entry__domain__in=domains)
    found: dict[int, list[UnknownOutcome]] = defaultdict(list)
    columns = rows.values_list("pk", "entry_id", "operation", "until", "recipients")
    for pk, entry, operation, until, sent in columns:
        outcome = UnknownOutcome(Operation(operation), due=until <= now, recipients=frozenset(sent), call_id=pk)
        found[entry].append(outcome)
    return found
