"""Both sides of every comparison: what the rows want and what the ledger knows, as the plain values that a plan takes."""

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
    """What SES should hold, from the rows as this transaction sees them, for `domains` or for all that are live."""
    provider = import_string(settings.SES_SPEC_PROVIDER)
    names = None if domains is None else list(domains)
    layout = quotas.layout(config)
    found: dict[str, DomainSpec] = {spec.name: spec for spec in provider(names)}
    return {name: compile_domain(found.get(name), layout) for name in (found if names is None else names)}


def recorded_of(config: SesConfig, domains: Collection[str] | None, now: datetime) -> dict[str, list[RecordedResource]]:
    """The ledger as plain values, by domain name; three statements.

    An identity is the region's: one that only the ledger of another rule set has is there, and this one is to read it.
    Columns, and no model instances: a sweep reads all of a large ledger, and instances would be most of what it costs.
    """
    of_another_set = Q(kind=ResourceKind.IDENTITY) & ~Q(presence=Presence.ABSENT)
    rows = LedgerEntry.objects.filter(Q(rule_set=config.rule_set) | of_another_set, region=config.region)
    recipients, unknown_outcomes = LedgerRecipient.objects.of(config), InFlightCall.objects.of(config)
    if domains is not None:
        rows = rows.filter(domain__in=domains)
        recipients, unknown_outcomes = (
            recipients.filter(entry__domain__in=domains),
            unknown_outcomes.filter(entry__domain__in=domains),
        )
    columns = rows.order_by("name").values_list(
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
    if not (entries := list(columns)):
        return {}
    held: dict[int, list[str]] = defaultdict(list)
    for pk, recipient in recipients.values_list("entry_id", "recipient"):
        held[pk].append(recipient)
    open_calls: dict[int, list[UnknownOutcome]] = defaultdict(list)
    for pk, operation, until, sent in unknown_outcomes.values_list("entry_id", "operation", "until", "recipients"):
        open_calls[pk].append(UnknownOutcome(Operation(operation), due=until <= now, recipients=frozenset(sent)))
    found: dict[str, list[RecordedResource]] = defaultdict(list)
    known_today = {
        name
        for _, rule_set, _, kind, name, *_ in entries
        if (rule_set, kind) == (config.rule_set, ResourceKind.IDENTITY)
    }
    for pk, rule_set, domain, kind, name, known, exists, digest, ours, token, mail_from in entries:
        if rule_set != config.rule_set:
            if name not in known_today:
                known_today.add(name)
                found[domain].append(RecordedResource(ResourceKind.IDENTITY, name, Presence.UNKNOWN, exists=True))
            continue
        found[domain].append(
            RecordedResource(
                kind=ResourceKind(kind),
                name=name,
                presence=Presence(known),
                exists=exists,
                recipients=frozenset(held.get(pk, ())),
                digest=digest,
                ours=ours,
                has_verification_token=bool(token),
                has_mail_from=bool(mail_from),
                unknown_outcomes=tuple(open_calls.get(pk, ())),
            )
        )
    return dict(found)
