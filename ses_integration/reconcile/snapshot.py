"""Load the planner's inputs: desired state from the rows (SES_SPEC_PROVIDER) and recorded state from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

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

    It stays right as long as `generation` is the same (docs/architecture/protocol.md, "Settle in memory"). If only
    one rule can differ, the others may be left out ("Read one rule"). `change_log`: the domain's change log while the snapshot
    is in use, empty if it is void. Settling compares it.
    """

    sync_id: int
    domain: str
    generation: int
    layout: Layout
    change_log: str
    desired: DesiredState
    resources: Mapping[tuple[ResourceKind, str], RecordedResource]

    @classmethod
    def load(cls, config: SesConfig, locked: LockedDomain) -> Self:
        """Read the state of a locked domain, in three statements, or four with calls in flight."""
        layout = quotas.layout_within(config, locked.recipients_per_rule)
        found = statements.READ_ENTRIES.rows(config.region, locked.domain, config.rule_set)
        entries = [EntryRow(*row) for *row, _ in found]
        with_calls = {pk for pk, *_, has_calls in found if has_calls}
        chunk = _only_chunk(locked, layout, entries, with_calls)
        # Read after the sync state was locked: every change of an address or a domain updates it, too.
        specs = _provider()([locked.domain], None if chunk is None else layout.slots(chunk))
        spec = specs[0] if specs else None
        if chunk is not None and spec is not None and not spec.catch_all:
            name = layout.rule_name(locked.domain, chunk)
            entries = [entry for entry in entries if not entry.is_rule or entry.name == name]
        recorded = _recorded_of_one(config, locked, entries, in_flight=bool(with_calls))
        resources = {resource.key: resource for resource in recorded}
        desired = compile_domain(spec, layout)
        log = "" if chunk is None else locked.change_log
        return cls(locked.pk, locked.domain, locked.generation, layout, log, desired, resources)

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


class EntryRow(NamedTuple):
    """A ledger entry, as far as a plan needs it."""

    pk: int
    rule_set: str
    domain: str
    kind: str
    name: str
    presence: str
    exists: bool
    digest: str
    ours: bool | None
    verification_token: str | None
    mail_from_domain: str | None

    @property
    def is_rule(self) -> bool:
        return self.kind == ResourceKind.RULE


def _only_chunk(
    locked: LockedDomain, layout: Layout, entries: Iterable[EntryRow], with_calls: Collection[int]
) -> int | None:
    """The number of the only rule that can differ from the rows. None if other rules can, too.

    `with_calls`: ids of the entries that have calls in flight.
    """
    chunks = {layout.chunk(slot) for slot in locked.changed_slots(layout) or ()}
    if len(chunks) != 1:
        return None
    (chunk,) = chunks
    name = layout.rule_name(locked.domain, chunk)
    others = [entry for entry in entries if entry.is_rule and entry.name != name]
    settled = all(entry.presence == Presence.PRESENT and entry.pk not in with_calls for entry in others)
    return chunk if settled else None


def desired_of(config: SesConfig, domains: Iterable[str] | None) -> dict[str, DesiredState]:
    """Desired state by domain name, from the rows as this transaction sees them. None: of all live domains."""
    names = None if domains is None else list(domains)
    layout = quotas.layout(config)
    specs = {spec.name: spec for spec in _provider()(names)}
    return {name: compile_domain(specs.get(name), layout) for name in (specs if names is None else names)}


def desired_digests(config: SesConfig) -> dict[str, str]:
    """What the rules of each live domain should do with its mail, by domain name: `Rule.digest`, without reading addresses."""
    layout = quotas.layout(config)
    # The digest of a rule does not depend on its recipients.
    rules = {
        spec.name: layout.rule("any", frozenset({spec.name}), spec.key_prefix) for spec in _provider()(None, range(1))
    }
    return {name: rule.digest for name, rule in rules.items()}


def _provider() -> Callable[..., list[DomainSpec]]:
    """The function that returns the specs of some domains, or of all, with the addresses in some slots, or in all."""
    provider: Callable[..., list[DomainSpec]] = import_string(settings.SES_SPEC_PROVIDER)
    return provider


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
    columns = (
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
    entries = [EntryRow(*row) for row in rows.order_by("name").values_list(*columns)]
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


def _recorded_of_one(
    config: SesConfig, locked: LockedDomain, entries: Collection[EntryRow], *, in_flight: bool
) -> list[RecordedResource]:
    rules = [entry.pk for entry in entries if entry.is_rule]
    recipients = statements.READ_RECIPIENTS.rows(each=rules) if rules else []
    outcomes = _unknown_outcomes_by_entry(config, [locked.domain], locked.now) if in_flight else {}
    return _resources(config, entries, _by_entry(recipients), outcomes).get(locked.domain, [])


def _by_entry(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for pk, recipient in rows:
        found[pk].append(recipient)
    return found


def _resources(
    config: SesConfig,
    entries: Collection[EntryRow],
    recipients: Mapping[int, list[str]],
    unknown_outcomes: Mapping[int, list[UnknownOutcome]],
) -> dict[str, list[RecordedResource]]:
    own_identities = {row.name for row in entries if row.rule_set == config.rule_set and not row.is_rule}
    found: dict[str, list[RecordedResource]] = defaultdict(list)
    for row in entries:
        if row.rule_set != config.rule_set:
            if row.name not in own_identities:
                own_identities.add(row.name)
                identity = RecordedResource(ResourceKind.IDENTITY, row.name, Presence.UNKNOWN, exists=True)
                found[row.domain].append(identity)
            continue
        found[row.domain].append(
            RecordedResource(
                kind=ResourceKind(row.kind),
                name=row.name,
                presence=Presence(row.presence),
                exists=bool(row.exists),
                recipients=frozenset(recipients.get(row.pk, ())),
                digest=row.digest,
                ours=None if row.ours is None else bool(row.ours),
                has_verification_token=bool(row.verification_token),
                mail_from=row.mail_from_domain or "",
                unknown_outcomes=tuple(unknown_outcomes.get(row.pk, ())),
                entry_id=row.pk,
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
