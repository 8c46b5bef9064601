"""What is known of SES, read from the ledger where somebody wants to show it; never copied, never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from ses_integration import reading
from ses_integration.clients import have_credentials
from ses_integration.clock import database_now
from ses_integration.config import ses_config
from ses_integration.models import DomainMark, IdentityFacts, Lease, LedgerEntry, LedgerRecipient, UnansweredCall
from ses_integration.planning import Kind, Known, Operation, plan

PUTS = [operation.value for operation in Operation if operation.puts]
RECORDED = "SES has not confirmed the change. It is recorded and will be applied automatically."
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


@dataclass(frozen=True, slots=True)
class Owed:
    """Why a domain is not in line yet: the last error in our words, how many tries in a row have failed, and until when
    an unanswered call may still land."""

    error: str
    doubt_until: datetime | None
    attempts: int = 0


def recipient_gone(domain: str, address: str, generation: int) -> bool:
    """Whether SES is confirmed to hold no recipient for `address`, and cannot hold one again (protocol 2.W)."""
    return not recipients_left(domain, [address], generation)


def recipients_left(domain: str, addresses: Iterable[str], generation: int) -> set[str]:
    """Those of the addresses, all of `domain`, that are not confirmed to be gone for good; three statements for all.

    The applied generation is read first: what is in doubt when it covers ours is in the second answer. What was put into
    another region or rule set, before the settings changed, is not gone either.
    """
    config, asked = ses_config(), set(addresses)
    applied = DomainMark.objects.of(config).filter(domain=domain, applied_generation__gte=generation)
    if generation and not applied.exists():
        return asked
    rules = Q(entry__domain=domain, entry__kind=Kind.RULE) & ~Q(entry__region="")
    doubts = UnansweredCall.objects.filter(rules, operation__in=PUTS)
    held = {recipient for doubt in doubts for recipient in doubt.recipients}
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
        .annotate(landing=Count("unanswered", filter=Q(unanswered__operation__in=PUTS)), ours=F("identity__ours"))
        .values_list("region", "rule_set", "kind", "known", "landing", "ours")
    )
    for region, rule_set, kind, known, landing, entry_ours in rows:
        gone = known == Known.ABSENT and not landing
        if kind == Kind.RULE:
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
    others = LedgerEntry.objects.filter(domain=domain).exclude(region="").exclude(known=Known.ABSENT)
    others = others.exclude(region=config.region, rule_set=config.rule_set).exclude(identity__ours=False)
    found = others.exclude(kind=Kind.IDENTITY, region=config.region).exists()
    return LEFT_ELSEWHERE if found and config.region else ""


def rules_in_line(domain: str) -> bool:
    """Whether SES is known to hold the rules that the rows of `domain` want, and nothing is on its way to change them."""
    config = ses_config()
    entries = reading.entries_of(config, [domain], database_now()).get(domain, [])
    work = plan(domain, reading.wanted_of(config, [domain])[domain], entries)
    pending = any(call.kind is Kind.RULE for call in (*work.calls, *work.held_back))
    return not pending and not any(entry.doubts for entry in entries if entry.kind is Kind.RULE)


def configured() -> bool:
    """Whether SES can be asked at all: there are a region and credentials, which are not tried."""
    return bool(ses_config().region) and have_credentials()


def owed(domain: str) -> Owed:
    config = ses_config()
    mark = DomainMark.objects.of(config).filter(domain=domain).first()
    # The call that the holder of the lease has just sent is under way, not without an answer.
    under_way = Lease.objects.of(config).filter(expires_at__gt=Now()).exclude(holder="").values("fence")
    until = (
        UnansweredCall.objects.of(config)
        .filter(entry__domain=domain, until__gt=Now())
        .exclude(fence__in=under_way)
        .order_by("-until")
        .values_list("until", flat=True)
        .first()
    )
    if mark is None:
        return Owed(error="", doubt_until=until)
    return Owed(error=mark.last_error, doubt_until=until, attempts=mark.attempts)


def identities(domains: Iterable[str]) -> dict[str, IdentityFacts]:
    """What SES told of the identities of these names; one statement. A name without any is absent."""
    rows = (
        IdentityFacts.objects.of(ses_config())
        .filter(entry__kind=Kind.IDENTITY, entry__domain__in=list(domains))
        .select_related("entry")
    )
    return {facts.entry.domain: facts for facts in rows}


def rule_name_for(*recipients: str) -> Subquery:
    """For a list of addresses, inside its one statement: the rule that SES is known to hold for any of these fields.

    `recipients` are field names of the outer query, such as its address and its domain's name.
    """
    anyone = Q()
    for recipient in recipients:
        anyone |= Q(recipient=OuterRef(recipient))
    rules = LedgerRecipient.objects.of(ses_config()).filter(anyone, entry__kind=Kind.RULE)
    return Subquery(rules.order_by("entry__name").values("entry__name")[:1], output_field=CharField(null=True))


def held_recipients() -> QuerySet[LedgerRecipient, str]:
    """Every address and domain that SES is known to receive for; for `__in`."""
    return LedgerRecipient.objects.of(ses_config()).filter(entry__kind=Kind.RULE).values_list("recipient", flat=True)


def rule_names(domain: str, recipient: str) -> list[str]:
    """The rules that SES is known to hold with this recipient."""
    rules = LedgerRecipient.objects.of(ses_config()).filter(
        entry__domain=domain, entry__kind=Kind.RULE, recipient=recipient
    )
    return list(rules.values_list("entry__name", flat=True))


def owed_marks() -> QuerySet[DomainMark]:
    """Every domain name that SES is not confirmed to follow, oldest change first."""
    config = ses_config()
    doubtful = UnansweredCall.objects.of(config).values("entry__domain")
    behind = Q(generation__gt=F("applied_generation")) | Q(domain__in=doubtful)
    return DomainMark.objects.of(config).filter(behind).order_by("changed_at", "domain")
