"""Recipients that SES is known to hold, as parts of statements for lists of addresses and domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, When

from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry, LedgerRecipient, SesSweep
from ses_integration.plan.incarnation import rule_digest
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.status import wording

# The kind of a difference that is a rule of others (`DriftKind`).
FOREIGN = "foreign"


class RecordedRecipients:
    """Addresses and domains that SES is known to receive mail for. Only `by_rule` and `taken_by_others` make a statement."""

    def __init__(self) -> None:
        self._config = ses_config()
        self._rows = LedgerRecipient.objects.of(self._config).filter(entry__kind=ResourceKind.RULE)

    def exists(self, address: str, domain: str) -> Q:
        """Condition for a list: the outer row's field `address` or `domain` is one of these recipients.

        The database chooses by the number of rows whether to look each of them up or to read all recipients once.
        """
        own = self._rows.filter(recipient=OuterRef(address))
        # With the condition of an index, so that the few recipients of catch-alls are found without reading the others.
        of_domain = self._rows.filter(~Q(recipient__contains="@"), recipient=OuterRef(domain))
        return Exists(own) | Exists(of_domain)

    def rule_name(self, *fields: str) -> Subquery:
        """Subquery for a list: the name of a rule with one of these recipients, or NULL.

        `fields` of the outer query have the recipients, such as those of an address and of its domain's name.
        """
        matches = Q()
        for field in fields:
            matches |= Q(recipient=OuterRef(field))
        names = self._rows.filter(matches).order_by("entry__name").values("entry__name")
        return Subquery(names[:1], output_field=CharField(null=True))

    def taken_by_others(self, domains: Iterable[str]) -> dict[str, str]:
        """A warning for each of these domains whose mail a rule takes that is not ours; one statement."""
        return {domain: wording.taken_by_others(rules) for domain, rules in self.takers(domains).items()}

    def takers(self, domains: Iterable[str]) -> dict[str, list[str]]:
        """The rules that are not ours and take mail of these domains, as the last sweep found, by domain; one statement."""
        rows = SesSweep.objects.of(self._config).filter(foreign_rules__gt=0).values_list("differences", flat=True)
        names: dict[str, list[str]] = {}
        for one in next(iter(rows), []):
            if one["drift"] and one["sort"] == FOREIGN:
                for domain in domains if one["takesEverything"] else one["takesFrom"]:
                    names.setdefault(domain, []).append(one["name"])
        return names

    def by_rule(
        self, key_prefixes: Mapping[str, str], addresses: QuerySet[Any, Any], catch_alls: Iterable[str]
    ) -> dict[str, dict[str, int]]:
        """Numbers of recipients by domain name and rule, of the domains with these key prefixes; one statement.

        Leaves out what a previous owner of a name has left. A rule is counted whole if it stores mail under the domain's key
        prefix; of other rules, only the recipients that are in `addresses` (for `__in`) or `catch_alls` (domain names) count.
        """
        digests = [rule_digest(name, prefix, self._config.layout) for name, prefix in key_prefixes.items()]
        # Counted for each rule: PostgreSQL might join the rules with all recipients.
        whole = LedgerRecipient.objects.filter(entry=OuterRef("pk")).values("entry").values(number=Count("pk"))
        own = whole.filter(Q(recipient__in=addresses) | Q(recipient__in=list(catch_alls)))
        rules = LedgerEntry.objects.of(self._config).filter(
            kind=ResourceKind.RULE, domain__in=key_prefixes, presence=Presence.PRESENT
        )
        counts = rules.order_by("name").values_list(
            "domain", "name", Case(When(digest__in=digests, then=Subquery(whole)), default=Subquery(own))
        )
        found: dict[str, dict[str, int]] = {}
        for domain, rule, recipients in counts:
            if recipients:
                found.setdefault(domain, {})[rule] = recipients
        return found
