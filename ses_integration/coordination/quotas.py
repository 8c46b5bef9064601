"""How much SES takes and how much of it is used (docs/architecture/ses.md, "Quotas")."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.models import LedgerEntry, RuleSetState
from ses_integration.plan.compile import Layout, compile_domain
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.plan.spec import DomainSpec

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
    rows = RuleSetState.objects.of(config).filter(recipients_per_rule__isnull=False)
    learned = rows.values_list("recipients_per_rule", flat=True).first()
    return replace(config.layout, max_recipients=min(config.max_recipients, learned or config.max_recipients))


def learn_recipient_limit(config: SesConfig, refused: int) -> None:
    """SES has refused a rule with so many recipients: compile smaller ones from now on.

    Marks no other domain: SES holds what it holds of theirs, and the database sweep spreads it at its leisure.
    """
    if not suggests_limit(refused):
        return
    half = max(FEWEST_RECIPIENTS, refused // 2)
    smaller = FORMER_RECIPIENTS_PER_RULE if refused > FORMER_RECIPIENTS_PER_RULE else half
    rule_set_state(config)
    RuleSetState.objects.of(config).exclude(recipients_per_rule__lte=smaller).update(recipients_per_rule=smaller)


def suggests_limit(refused: int) -> bool:
    """Whether a refusal of a rule with so many recipients tells of a limit."""
    return refused > FEWEST_RECIPIENTS


def record_foreign(config: SesConfig, *, rules: int, identities: int) -> None:
    """What a look at SES has shown of others: it counts towards the same quotas."""
    rule_set_state(config)
    RuleSetState.objects.of(config).exclude(foreign_rules=rules, foreign_identities=identities).update(
        foreign_rules=rules, foreign_identities=identities
    )


def used(config: SesConfig, kind: ResourceKind) -> Used:
    """Rules of our set, or identities of the region, against their quota; two statements."""
    ours = LedgerEntry.objects.of(config).filter(kind=kind).count()
    others = rule_set_state(config)
    if kind is ResourceKind.RULE:
        return Used(ours, others.foreign_rules, RULES_PER_SET)
    return Used(ours, others.foreign_identities, config.max_identities)


def rule_set_state(config: SesConfig) -> RuleSetState:
    """The one row of this region and rule set; made when it is missing."""
    row = RuleSetState.objects.of(config).first()
    if row is None:
        made = RuleSetState(region=config.region, rule_set=config.rule_set)
        RuleSetState.objects.bulk_create([made], ignore_conflicts=True)
        row = RuleSetState.objects.of(config).get()
    return row


class QuotaExceeded(Exception):
    """A quota of SES is used up; `sentence` says which, and what can be done."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def reserve(spec: DomainSpec, *, replaces: bool = False) -> None:
    """Take a place in SES for each rule and identity of `receiving` that has none yet, or raise QuotaExceeded.

    For the transaction that changes the rows, after the mark: a refusal rolls all of it back. A place is a ledger row
    that says `absent`: what is in the ledger counts as used until SES is confirmed not to hold it. No SES call.
    `replaces`: `receiving` is all that the domain will have, so its other rules make room where there is none.
    """
    config = ses_config()
    desired = compile_domain(spec, layout(config))
    needed = {(ResourceKind.RULE, rule.name) for rule in desired.rules} | {(ResourceKind.IDENTITY, spec.name)}
    known = LedgerEntry.objects.of(config).filter(domain=spec.name).values_list("kind", "name")
    places = {(ResourceKind(kind), name) for kind, name in known}
    missing = needed - places
    if not missing:
        return
    leaving = {key for key in places - needed if key[0] is ResourceKind.RULE} if replaces else set()
    # One at a time, or two would both take the last place. Always after the mark, and nothing is locked after it.
    RuleSetState.objects.select_for_update().get(pk=rule_set_state(config).pk)
    for kind in ResourceKind:
        count = sum(key[0] is kind for key in missing)
        makes_room = sum(key[0] is kind for key in leaving)
        if count and used(config, kind).free + makes_room < count:
            raise QuotaExceeded(_sentence(config.region, kind, used(config, kind).quota))
    now = database_now()
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                region=config.region,
                rule_set=config.rule_set,
                domain=spec.name,
                kind=kind,
                name=name,
                presence=Presence.ABSENT,
                changed_at=now,
            )
            for kind, name in sorted(missing)
        ],
        # A rule's name that another domain has is convergence's to report.
        ignore_conflicts=True,
    )


def _sentence(region: str, kind: ResourceKind, quota: int) -> str:
    if kind is ResourceKind.RULE:
        return (
            f"SES has no room for another receipt rule: all {quota} of the rule set in {region} are used. "
            "Delete domains or addresses that are not needed any more."
        )
    return (
        f"SES has no room for another domain: all {quota} identities in {region} are used. "
        "Delete domains that are not needed any more."
    )
