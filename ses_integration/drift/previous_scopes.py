"""Previous scopes: what an earlier AWS_REGION or SES_RULE_SET has left in SES. Each scope has a ledger of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from audit.actions import Action
from audit.record import record_names
from backoffice.text import plural
from ses_integration.aws.observe import observe
from ses_integration.conf import SesConfig
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind


@dataclass(frozen=True, slots=True)
class PreviousScope:
    """A region and rule set, with the names of what SES may still hold there. Identities belong to the region.

    `unclear` are identities that may not be ours: they may be older than this installation, and in use for sending.
    """

    region: str
    rule_set: str
    rules: tuple[str, ...]
    identities: tuple[str, ...]
    unclear: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.region}, rule set {self.rule_set}"

    @property
    def contents(self) -> str:
        return contents(len(self.rules), len(self.identities) + len(self.unclear))

    @property
    def size(self) -> int:
        return len(self.rules) + len(self.identities) + len(self.unclear)


def contents(rules: int, identities: int) -> str:
    """`1 rule and 2 identities`."""
    return f"{plural(rules, 'rule')} and {plural(identities, 'identity')}"


def find_previous_scopes(config: SesConfig) -> list[PreviousScope]:
    """Every previous scope that still holds something, by region and rule set; two statements.

    An identity of the configured region that is in the current ledger, too, is not left behind.
    """
    # Without a region nothing is ever sent.
    rows = LedgerEntry.objects.exclude(region=config.region, rule_set=config.rule_set).exclude(region="")
    may_be_held = ~Q(presence=Presence.ABSENT) | Q(in_flight__until__gt=Now())
    rows = rows.filter(may_be_held).exclude(identity__ours=False).distinct()
    current = set(LedgerEntry.objects.of(config).filter(kind=ResourceKind.IDENTITY).values_list("name", flat=True))
    found: dict[tuple[str, str], tuple[list[str], list[str], list[str]]] = {}
    for region, rule_set, kind, name, ours in rows.order_by("region", "rule_set", "name").values_list(
        "region", "rule_set", "kind", "name", "identity__ours"
    ):
        rules, identities, unclear = found.setdefault((region, rule_set), ([], [], []))
        if kind == ResourceKind.RULE:
            rules.append(name)
        elif region != config.region or name not in current:
            (identities if ours else unclear).append(name)
    return [PreviousScope(*place, *map(tuple, names)) for place, names in found.items() if any(names)]


def forget(scope: PreviousScope) -> int:
    """Delete the ledger of the scope without asking SES, for when it cannot be asked there; returns how many entries."""
    return _delete(LedgerEntry.objects.filter(region=scope.region, rule_set=scope.rule_set))


def forget_gone(config: SesConfig, scope: PreviousScope) -> int:
    """Ask SES there, and delete ledger entries that it does not hold any more and no call in flight can bring back.

    Returns how many. Raises SesError.
    """
    there = replace(config, region=scope.region, rule_set=scope.rule_set)
    seen = observe(there)
    held = {ResourceKind.RULE: {rule.name for rule in seen.rules}, ResourceKind.IDENTITY: seen.identities}
    rows = LedgerEntry.objects.of(there).filter(changed_at__lt=seen.asked_at).exclude(in_flight__until__gt=Now())
    gone = [row.pk for row in rows if row.name not in held[ResourceKind(row.kind)]]
    if scope.region == config.region:
        # The identity itself is in the current ledger.
        current = LedgerEntry.objects.of(config).filter(kind=ResourceKind.IDENTITY).values("name")
        gone += rows.filter(kind=ResourceKind.IDENTITY, name__in=current).values_list("pk", flat=True)
    return _delete(LedgerEntry.objects.filter(pk__in=gone))


def _delete(rows: QuerySet[LedgerEntry]) -> int:
    """How many entries there were; what belongs to them is not counted."""
    with transaction.atomic():
        # If the scope is used again, the domains have to be read as a whole. Locked in the order in which marks lock them.
        key = {name: OuterRef(name) for name in ("region", "rule_set", "domain")}
        domains = DomainSync.objects.filter(Exists(rows.filter(**key))).order_by("region", "rule_set", "domain")
        keys = list(domains.select_for_update(of=("self",)).values_list("pk", flat=True))
        DomainSync.objects.filter(pk__in=keys).update(change_log="")
        names = sorted(rows.values_list("name", flat=True))
        record_names(Action.FORGOTTEN, LedgerEntry._meta.label_lower, names)
        _, by_model = rows.delete()
    return by_model.get(LedgerEntry._meta.label, 0)
