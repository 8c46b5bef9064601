"""What is known of SES, read from the ledger where somebody wants to show it; never copied, never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q

from ses_integration.conf import ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerRecipient
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Operation, Presence, ResourceKind
from ses_integration.reconcile import snapshot

ADDING_OPERATIONS = [operation.value for operation in Operation if operation.adds]
CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."
LEFT_ELSEWHERE = "A rule set or region that was configured before may still receive for this name: see ses_cleanup."


@dataclass(frozen=True, slots=True)
class DomainState:
    """What SES is known to hold for a name. `identity_ours` is None while nobody can say."""

    rules_gone: bool
    identity_gone: bool
    identity_ours: bool | None

    @property
    def identity_kept(self) -> bool:
        return not self.identity_gone and self.identity_ours is False


def recipient_gone(domain: str, address: str, generation: int) -> bool:
    """Whether SES is confirmed to hold no recipient for `address`, and cannot hold one again.

    See docs/architecture/protocol.md, "Confirm a removal".
    """
    return not recipients_left(domain, [address], generation)


def recipients_left(domain: str, addresses: Iterable[str], generation: int) -> set[str]:
    """Those of the addresses, all of `domain`, that are not confirmed to be gone for good; three statements for all.

    The applied generation is read first: what is in doubt when it covers ours is in the second answer. What was put into
    another region or rule set, before the settings changed, is not gone either.
    """
    config, asked = ses_config(), set(addresses)
    applied = DomainSync.objects.of(config).filter(domain=domain, observed_generation__gte=generation)
    if generation and not applied.exists():
        return asked
    rules = Q(entry__domain=domain, entry__kind=ResourceKind.RULE) & ~Q(entry__region="")
    unknown_outcomes = InFlightCall.objects.filter(rules, operation__in=ADDING_OPERATIONS)
    held = {recipient for outcome in unknown_outcomes for recipient in outcome.recipients}
    elsewhere = LedgerRecipient.objects.filter(rules, recipient__in=[*asked, domain])
    held |= set(
        elsewhere.exclude(entry__region=config.region, entry__rule_set=config.rule_set).values_list(
            "recipient", flat=True
        )
    )
    return asked if domain in held else asked & held


def domain_state(domain: str) -> DomainState:
    """One statement, so that a call which is answered in between cannot be missed both as a doubt and as a fact.

    What was put into another region or rule set, before the settings changed, is not gone either.
    """
    config = ses_config()
    # Without a region this is nobody's ledger, and so its being empty says nothing.
    rules_gone = gone_elsewhere = bool(config.region)
    # Its identity is that of the region: today's ledger knows best, but may know nothing yet.
    identity = (bool(config.region), None)
    by_today = False
    rows = (
        LedgerEntry.objects.exclude(region="")
        .filter(domain=domain)
        .annotate(
            landing=Count("in_flight", filter=Q(in_flight__operation__in=ADDING_OPERATIONS)), ours=F("identity__ours")
        )
        .values_list("region", "rule_set", "kind", "presence", "landing", "ours")
    )
    for region, rule_set, kind, known, landing, entry_ours in rows:
        gone = known == Presence.ABSENT and not landing
        if kind == ResourceKind.RULE:
            rules_gone = rules_gone and gone
        elif (region, rule_set) == (config.region, config.rule_set):
            identity, by_today = (gone, entry_ours), True
        elif region != config.region:
            gone_elsewhere = gone_elsewhere and (gone or entry_ours is False)
        elif not by_today and not gone:
            identity = (False, entry_ours)
    gone, ours = identity
    return DomainState(rules_gone, identity_gone=gone and gone_elsewhere, identity_ours=ours)


def left_elsewhere(domain: str) -> str:
    """A sentence if the ledger of another region or rule set still has something of `domain`, else an empty string.

    Without their names, which may be those of an earlier owner's time: `former_ledgers` has them for operators.
    """
    config = ses_config()
    others = LedgerEntry.objects.filter(domain=domain).exclude(region="").exclude(presence=Presence.ABSENT)
    others = others.exclude(region=config.region, rule_set=config.rule_set).exclude(identity__ours=False)
    found = others.exclude(kind=ResourceKind.IDENTITY, region=config.region).exists()
    return LEFT_ELSEWHERE if found and config.region else ""


def rules_up_to_date(domain: str) -> bool:
    """Whether SES is known to hold the rules that the rows of `domain` want, and nothing is on its way to change them."""
    config = ses_config()
    entries = snapshot.recorded_of(config, [domain], database_now()).get(domain, [])
    work = plan(domain, snapshot.desired_of(config, [domain])[domain], entries)
    pending = any(call.kind is ResourceKind.RULE for call in (*work.calls, *work.deferred))
    return not pending and not any(entry.unknown_outcomes for entry in entries if entry.kind is ResourceKind.RULE)
