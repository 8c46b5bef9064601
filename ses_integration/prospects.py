"""SES's part of a plan, from the ledger: no call is made for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.db.models import Max

from ses_integration import capacity, facts, reading
from ses_integration.clock import database_now
from ses_integration.compiling import compile_domain
from ses_integration.config import ses_config
from ses_integration.foreseeing import Fate, Foreseen, foresee
from ses_integration.lives import Life, own_rules, shown_to
from ses_integration.models import LedgerEntry
from ses_integration.planning import Known
from ses_integration.receiving import DomainReceiving
from ses_integration.translation import NOT_CONFIGURED


def prospect(life: Life, receiving: DomainReceiving | None) -> Foreseen:
    """What SES will be asked, and will hold, once the rows say that the domain receives like that, or nothing if None.

    For the owner to see: what another life of the name has left in SES is not in it. What is left in another region or
    rule set, before the settings changed, is among the problems.
    """
    config, domain = ses_config(), life.receiving.name
    layout = capacity.layout(config)
    entries = reading.entries_of(config, [domain], database_now()).get(domain, [])
    foreseen = shown_to(life, layout, foresee(domain, compile_domain(receiving, layout), entries), entries)
    if elsewhere := facts.left_elsewhere(domain):
        foreseen = replace(foreseen, problems=(*foreseen.problems, elsewhere))
    # Without a region this is nobody's ledger, and so its being empty says nothing.
    return foreseen if config.region else replace(foreseen, identity=Fate.UNKNOWN)


def own_rule_names(life: Life) -> list[str]:
    """The rules of this life that the ledger has, whether SES holds them or not; in order."""
    config, domain = ses_config(), life.receiving.name
    entries = reading.entries_of(config, [domain], database_now()).get(domain, [])
    return sorted(own_rules(life, capacity.layout(config), entries))


def seconds(foreseen: Foreseen) -> float:
    """How long the calls that are due take at SES_CALLS_PER_SECOND, if nobody else calls; 0 without a limit."""
    rate = ses_config().calls_per_second
    return round(len(foreseen.due) / rate, 1) if rate > 0 else 0.0


def confirmed_at(domain: str, names: Iterable[str]) -> datetime | None:
    """When SES last confirmed one of these rules and identities of `domain`; None if it has confirmed none of them."""
    entries = LedgerEntry.objects.of(ses_config()).filter(domain=domain, name__in=list(names))
    moment: datetime | None = entries.exclude(known=Known.UNKNOWN).aggregate(last=Max("changed_at"))["last"]
    return moment


def problem(foreseen: Foreseen) -> str:
    """Why the calls cannot be made with the present settings: a sentence, or an empty string."""
    if not facts.configured():
        return NOT_CONFIGURED
    if not ses_config().bucket and any(rule.after for rule in foreseen.rules if rule.changes):
        return "S3_BUCKET_NAME is missing."
    return ""
