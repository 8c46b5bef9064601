"""How much SES takes and how much of it is used (ses.md 1.10)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ses_integration.compiling import Layout
from ses_integration.config import SesConfig
from ses_integration.models import Capacity, LedgerEntry
from ses_integration.planning import Kind

RULES_PER_SET = 200  # SES Developer Guide, "Service quotas", email receiving; not adjustable
# What older AWS texts name, and so the first guess where SES takes fewer than the quota of today.
FORMER_RECIPIENTS_PER_RULE = 100
# A refusal of fewer is no limit of recipients, whatever it says; to believe it would use up the rules of the set.
FEWEST_RECIPIENTS = 10


@dataclass(frozen=True, slots=True)
class Used:
    """`ours` counts what is reserved, too: rules and identities that the rows want and SES does not hold yet."""

    ours: int
    foreign: int
    quota: int

    @property
    def total(self) -> int:
        return self.ours + self.foreign

    @property
    def free(self) -> int:
        return self.quota - self.total


def layout(config: SesConfig) -> Layout:
    """The configured layout, with the smaller limit of recipients where SES has shown one; one statement."""
    rows = Capacity.objects.of(config).filter(recipients_per_rule__isnull=False)
    learned = rows.values_list("recipients_per_rule", flat=True).first()
    return replace(config.layout, max_recipients=min(config.max_recipients, learned or config.max_recipients))


def learn(config: SesConfig, refused: int) -> None:
    """SES has refused a rule with so many recipients: compile smaller ones from now on.

    Marks no other domain: SES holds what it holds of theirs, and the database sweep spreads it at its leisure.
    """
    if not learns_from(refused):
        return
    half = max(FEWEST_RECIPIENTS, refused // 2)
    smaller = FORMER_RECIPIENTS_PER_RULE if refused > FORMER_RECIPIENTS_PER_RULE else half
    of_scope(config)
    Capacity.objects.of(config).exclude(recipients_per_rule__lte=smaller).update(recipients_per_rule=smaller)


def learns_from(refused: int) -> bool:
    """Whether a refusal of a rule with so many recipients tells of a limit."""
    return refused > FEWEST_RECIPIENTS


def note_foreign(config: SesConfig, *, rules: int, identities: int) -> None:
    """What a look at SES has shown of others: it counts towards the same quotas."""
    of_scope(config)
    Capacity.objects.of(config).exclude(foreign_rules=rules, foreign_identities=identities).update(
        foreign_rules=rules, foreign_identities=identities
    )


def used(config: SesConfig, kind: Kind) -> Used:
    """Rules of our set, or identities of the region, against their quota; two statements."""
    ours = LedgerEntry.objects.of(config).filter(kind=kind).count()
    others = of_scope(config)
    if kind is Kind.RULE:
        return Used(ours, others.foreign_rules, RULES_PER_SET)
    return Used(ours, others.foreign_identities, config.max_identities)


def of_scope(config: SesConfig) -> Capacity:
    """The one row of this region and rule set; made when it is missing."""
    row = Capacity.objects.of(config).first()
    if row is None:
        made = Capacity(region=config.region, rule_set=config.rule_set)
        Capacity.objects.bulk_create([made], ignore_conflicts=True)
        row = Capacity.objects.of(config).get()
    return row
