"""Adoption: record something that SES holds in the ledger, so that the ordinary loop decides what becomes of it.

Nothing is removed from here, so a crash forgets nothing. A row "exists, contents unknown" and a new generation are committed
in one transaction. From then on the loop plans the resource from the rows as they are at that moment: what they want is put
right, what they do not want is removed, and a rule only once nothing that replaces it is still on its way. The tag of an
identity is read again, and the identity deleted only if it is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from django.db import transaction

from audit.actions import Action
from audit.record import Entry, record
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.drift.foreign import not_received
from ses_integration.drift.model import Drift
from ses_integration.models import LedgerEntry, LedgerRecipient, SesSweep
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import outbox, snapshot


def adopt(
    config: SesConfig,
    kind: ResourceKind,
    name: str,
    *,
    domain: str,
    recipients: Collection[str] = (),
    allowed: Callable[[DesiredState], bool] = lambda desired: True,
) -> bool:
    """Record one resource of `domain` in the ledger and mark the domain dirty, in one transaction.

    `allowed` is asked about the desired state while the domain's sync state is locked, so no change can come in between.
    False if it says no, or if the ledger has the resource already.
    """
    with transaction.atomic():
        outbox.raise_generation(config, domain)
        if not allowed(snapshot.desired_of(config, [domain])[domain]):
            transaction.set_rollback(True)
            return False
        entry, created = LedgerEntry.objects.of(config).get_or_create(
            region=config.region,
            rule_set=config.rule_set,
            kind=kind,
            name=name,
            defaults={"domain": domain, "presence": Presence.UNKNOWN, "exists": True, "changed_at": database_now()},
        )
        if not created:
            transaction.set_rollback(True)
            return False
        LedgerRecipient.objects.bulk_create(
            LedgerRecipient(entry=entry, recipient=recipient) for recipient in sorted(recipients)
        )
        # The last sweep has it among what a person must do. Without this, it would say so until the next one, in an hour.
        SesSweep.objects.of(config).update(foreign_digest="")
        after = {"kind": str(kind), "domain": domain}
        record(Entry.of(Action.ADOPTED, entry, None, name=name, after=after))
    return True


def adopt_orphans(config: SesConfig, orphans: Sequence[Drift]) -> list[str]:
    """Adopt rules and identities of ours that are in no ledger, so that the loop removes them; returns the domains to reconcile.

    Asks SES for its rules once more, because reading tags may have taken long: a rule that has changed since, or is gone, is
    left for the next look. Raises SesError.
    """
    rules = [orphan for orphan in orphans if orphan.resource == ResourceKind.RULE]
    if rules:
        with rate_limited(config):
            now = {rule.name: tuple(sorted(rule.recipients)) for rule in Gateway(config).rules()}
        rules = [orphan for orphan in rules if now.get(orphan.name) == orphan.recipients]
    identities = [orphan for orphan in orphans if orphan.resource == ResourceKind.IDENTITY]
    adopted: set[str] = set()
    for orphan in [*rules, *identities]:
        if _adopt(config, orphan, partial(_is_unwanted, orphan)):
            adopted.add(orphan.domain)
    return sorted(adopted)


def adopt_reference_rules(config: SesConfig, rules: Sequence[Drift]) -> list[str]:
    """Adopt rules of the reference service, each only while our rows receive all of its mail; returns their names.

    The loop then creates ours and removes these, in this order.
    """
    return [rule.name for rule in rules if _adopt(config, rule, partial(_is_replaced, rule))]


def _adopt(config: SesConfig, found: Drift, allowed: Callable[[DesiredState], bool]) -> bool:
    kind = ResourceKind(found.resource)
    return adopt(config, kind, found.name, domain=found.domain, recipients=found.recipients, allowed=allowed)


def _is_unwanted(orphan: Drift, desired: DesiredState) -> bool:
    return desired.rule(orphan.name) is None if orphan.resource == ResourceKind.RULE else not desired.identity


def _is_replaced(rule: Drift, desired: DesiredState) -> bool:
    return not not_received(rule.recipients, desired)
