"""SES quotas: limits, usage, and reservations for changes (docs/architecture/ses.md, "Quotas")."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Q
from django.db.models.functions import Now

from ses_integration.conf import SesConfig, ses_config
from ses_integration.models import LedgerEntry, RuleSetState, statements
from ses_integration.plan.compile import RULES_PER_SET, Layout, compile_domain
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.plan.spec import DomainSpec

# The quota in older AWS documents. The first guess if SES refuses a larger rule.
OLDER_RECIPIENTS_PER_RULE = 100
# Learn no limit from the refusal of a rule this small: still smaller rules would exhaust the rule quota.
FEWEST_RECIPIENTS = 10


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """Usage of one quota. `ours` includes reservations."""

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
    """The configured layout, with the learned recipient limit if that is smaller. One statement."""
    rows = RuleSetState.objects.of(config).filter(recipients_per_rule__isnull=False)
    return layout_within(config, rows.values_list("recipients_per_rule", flat=True).first())


def layout_within(config: SesConfig, learned: int | None) -> Layout:
    """The configured layout, with this learned recipient limit if that is smaller."""
    return replace(config.layout, max_recipients=min(config.max_recipients, learned or config.max_recipients))


def learn_recipient_limit(config: SesConfig, refused: int) -> None:
    """Compile smaller rules from now on, because SES refused one with `refused` recipients.

    Marks no domain dirty: SES still holds the existing rules, and the database sweep marks domains that now differ.
    """
    if not suggests_limit(refused):
        return
    half = max(FEWEST_RECIPIENTS, refused // 2)
    smaller = OLDER_RECIPIENTS_PER_RULE if refused > OLDER_RECIPIENTS_PER_RULE else half
    rule_set_state(config)
    RuleSetState.objects.of(config).exclude(recipients_per_rule__lte=smaller).update(recipients_per_rule=smaller)


def suggests_limit(refused: int) -> bool:
    """Whether the refusal of a rule with `refused` recipients shows a limit of SES."""
    return refused > FEWEST_RECIPIENTS


def learn_rule_limit(config: SesConfig) -> None:
    """Reserve no room from now on for more rules than SES holds, because it refused another one.

    What others have added since the last SES sweep is not known, so the number may be too small: see `record_foreign`.
    """
    rules = LedgerEntry.objects.of(config).filter(kind=ResourceKind.RULE)
    ours = rules.filter(Q(presence=Presence.PRESENT) | Q(exists=True)).count()
    held = ours + rule_set_state(config).foreign_rules
    if 0 < held < RULES_PER_SET:
        RuleSetState.objects.of(config).update(rules_per_set=held)


def rule_limit(state: RuleSetState) -> int:
    """The quota of rules, or the learned one if that is smaller."""
    return RULES_PER_SET if state.rules_per_set is None else min(RULES_PER_SET, state.rules_per_set)


def record_foreign(config: SesConfig, *, rules: int, identities: int, held: int = 0) -> None:
    """Record what others use of the same quotas. `held`: all rules in the set.

    The learned limit is wrong if the set holds more, and it may be if others' rules were not as many as it was learned with.
    """
    state = rule_set_state(config)
    if held > rule_limit(state) or rules != state.foreign_rules:
        RuleSetState.objects.of(config).update(rules_per_set=None)
    RuleSetState.objects.of(config).exclude(foreign_rules=rules, foreign_identities=identities).update(
        foreign_rules=rules, foreign_identities=identities
    )


def usage(config: SesConfig, kind: ResourceKind, state: RuleSetState) -> QuotaUsage:
    """Usage of the rules of our rule set or of the identities of the region; one statement. `state`: from `rule_set_state`."""
    ours = LedgerEntry.objects.of(config).filter(kind=kind).count()
    if kind is ResourceKind.RULE:
        return QuotaUsage(ours, state.foreign_rules, rule_limit(state))
    return QuotaUsage(ours, state.foreign_identities, config.max_identities)


def rule_set_state(config: SesConfig, *, lock: bool = False) -> RuleSetState:
    """The row of this region and rule set, created if it is missing. With `lock`, locked until the transaction ends."""
    rows = RuleSetState.objects.of(config)
    if lock:
        rows = rows.select_for_update()
    row = rows.first()
    if row is None:
        new = RuleSetState(region=config.region, rule_set=config.rule_set)
        RuleSetState.objects.bulk_create([new], ignore_conflicts=True)
        row = rows.get()
    return row


class QuotaExceeded(Exception):
    """An SES quota is exhausted. `sentence` says which one and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def reserve(spec: DomainSpec, *, replaces: bool = False) -> None:
    """Reserve room in SES for each rule and identity of `spec` that has none yet. Raises QuotaExceeded. Makes no SES call.

    Call it in the transaction that changes the rows, after `mark_dirty`, so that a refusal rolls everything back. A
    reservation is a ledger entry that is absent from SES: every entry counts as used. `replaces`: the domain's rules that
    are not in `spec` will go and make room.
    """
    config = ses_config()
    recorded = statements.RESERVED.rows(config.region, config.rule_set, spec.name)
    reserved = {(ResourceKind(kind), name) for kind, name, _ in recorded}
    # Nearly always everything has its entry.
    if recorded and _resources(spec, layout_within(config, recorded[0][2])) <= reserved:
        return
    # Two transactions must not both take the last place. No deadlock: nothing is locked after this row.
    state = rule_set_state(config, lock=True)
    needed = _resources(spec, layout_within(config, state.recipients_per_rule))
    missing = needed - reserved
    obsolete = {key for key in reserved - needed if key[0] is ResourceKind.RULE} if replaces else set()
    for kind in ResourceKind:
        count = sum(key[0] is kind for key in missing)
        freed = sum(key[0] is kind for key in obsolete)
        if count and (current := usage(config, kind, state)).free + freed < count:
            raise QuotaExceeded(_sentence(config.region, kind, current.quota))
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                region=config.region,
                rule_set=config.rule_set,
                domain=spec.name,
                kind=kind,
                name=name,
                presence=Presence.ABSENT,
                changed_at=Now(),
            )
            for kind, name in sorted(missing)
        ],
        # If another domain has the rule name, the reconciler reports the conflict.
        ignore_conflicts=True,
    )


def _resources(spec: DomainSpec, layout: Layout) -> set[tuple[ResourceKind, str]]:
    """Kind and name of everything that SES should hold for the domain."""
    rules = compile_domain(spec, layout).rules
    return {(ResourceKind.RULE, rule.name) for rule in rules} | {(ResourceKind.IDENTITY, spec.name)}


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
