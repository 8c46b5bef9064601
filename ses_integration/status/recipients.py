"""Recipients that SES is known to hold, as parts of statements for lists of addresses and domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import CharField, Count, OuterRef, Q, QuerySet, Subquery

from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry, LedgerRecipient
from ses_integration.plan.incarnation import rule_digest
from ses_integration.plan.resources import Presence, ResourceKind


def rule_name_for(*recipients: str) -> Subquery:
    """Subquery for a list: the name of a rule that SES is known to hold with one of these recipients, or NULL.

    `recipients` are field names of the outer query, such as those of an address and of its domain's name.
    """
    matches = Q()
    for recipient in recipients:
        matches |= Q(recipient=OuterRef(recipient))
    rules = LedgerRecipient.objects.of(ses_config()).filter(matches, entry__kind=ResourceKind.RULE)
    return Subquery(rules.order_by("entry__name").values("entry__name")[:1], output_field=CharField(null=True))


def recorded_recipients() -> QuerySet[LedgerRecipient, str]:
    """Addresses and domains that SES is known to receive for; for `__in`."""
    return (
        LedgerRecipient.objects.of(ses_config())
        .filter(entry__kind=ResourceKind.RULE)
        .values_list("recipient", flat=True)
    )


def recipients_by_rule(
    key_prefixes: Mapping[str, str], addresses: QuerySet[Any, Any], catch_alls: Iterable[str]
) -> dict[str, dict[str, int]]:
    """Rules that SES is known to hold, by domain name, with their numbers of recipients; one statement.

    Leaves out what a previous owner of a name has left. A rule is counted whole if it stores mail under the domain's key
    prefix; of other rules, only the recipients that are in `addresses` (for `__in`) or `catch_alls` (domain names) count.
    """
    config = ses_config()
    digests = [rule_digest(name, key_prefix, config.layout) for name, key_prefix in key_prefixes.items()]
    own = Q(recipients__recipient__in=addresses) | Q(recipients__recipient__in=list(catch_alls))
    visible = Count("recipients", filter=Q(digest__in=digests) | own)
    rows = LedgerEntry.objects.of(config).filter(
        domain__in=key_prefixes, kind=ResourceKind.RULE, presence=Presence.PRESENT
    )
    found: dict[str, dict[str, int]] = {}
    for domain, name, recipients in (
        rows.values_list("domain", "name").annotate(n=visible).filter(n__gt=0).order_by("name")
    ):
        found.setdefault(domain, {})[name] = recipients
    return found
