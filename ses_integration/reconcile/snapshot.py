"""Load the planner's inputs: desired state from the rows (SES_SPEC_PROVIDER) and recorded state from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

from ses_integration.conf import SesConfig
from ses_integration.coordination import quotas
from ses_integration.models import InFlightCall, LedgerEntry, LedgerRecipient
from ses_integration.plan.compile import DesiredState, compile_domain
from ses_integration.plan.resources import Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome
from ses_integration.plan.spec import DomainSpec


def desired_of(config: SesConfig, domains: Iterable[str] | None) -> dict[str, DesiredState]:
    """Desired state by domain name, from the rows as this transaction sees them. None: of all live domains."""
    provider = import_string(settings.SES_SPEC_PROVIDER)
    names = None if domains is None else list(domains)
    layout = quotas.layout(config)
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
    recipients = recipients_by_entry(config, domains)
    unknown_outcomes = _unknown_outcomes_by_entry(config, domains, now)
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
                exists=exists,
                recipients=frozenset(recipients.get(pk, ())),
                digest=digest,
                ours=ours,
                has_verification_token=bool(token),
                has_mail_from=bool(mail_from),
                unknown_outcomes=tuple(unknown_outcomes.get(pk, ())),
            )
        )
    return dict(found)


def recipients_by_entry(config: SesConfig, domains: Collection[str] | None) -> dict[int, list[str]]:
    """Recorded recipients by ledger entry, in one statement. None: of all domains."""
    rows = LedgerRecipient.objects.of(config)
    if domains is not None:
        rows = rows.filter(entry__domain__in=domains)
    found: dict[int, list[str]] = defaultdict(list)
    for pk, recipient in rows.values_list("entry_id", "recipient"):
        found[pk].append(recipient)
    return found


def _unknown_outcomes_by_entry(
    config: SesConfig, domains: Collection[str] | None, now: datetime
) -> dict[int, list[UnknownOutcome]]:
    rows = InFlightCall.objects.of(config)
    if domains is not None:
        rows = rows.filter(entry__domain__in=domains)
    found: dict[int, list[UnknownOutcome]] = defaultdict(list)
    for pk, operation, until, sent in rows.values_list("entry_id", "operation", "until", "recipients"):
        found[pk].append(UnknownOutcome(Operation(operation), due=until <= now, recipients=frozenset(sent)))
    return found
