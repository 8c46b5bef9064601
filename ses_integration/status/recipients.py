"""Recipients that SES is known to hold, read from the ledger for lists of addresses and domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import CharField, Count, OuterRef, Q, QuerySet, Subquery

from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry, LedgerRecipient
from ses_integration.plan.incarnation import rule_digest
from ses_integration.plan.resources import Presence, ResourceKind


def rule_name_for(*recipients: str) -> Subquery:
    """For a list of addresses, inside its one statement: the rule that SES is known to hold for any of these fields.

    `recipients` are field names of the outer query, such as its address and its domain's name.
    """
    anyone = Q()
    for recipient in recipients:
        anyone |= Q(recipient=OuterRef(recipient))
    rules = LedgerRecipient.objects.of(ses_config()).filter(anyone, entry__kind=ResourceKind.RULE)
    return Subquery(rules.order_by("entry__name").values("entry__name")[:1], output_field=CharField(null=True))


def recorded_recipients() -> QuerySet[LedgerRecipient, str]:
    """Every address and domain that SES is known to receive for; for `__in`."""
    return (
        LedgerRecipient.objects.of(ses_config())
        .filter(entry__kind=ResourceKind.RULE)
        .values_list("recipient", flat=True)
    )


def rule_names(domain: str, recipient: str) -> list[str]:
    """The rules that SES is known to hold with this recipient."""
    rules = LedgerRecipient.objects.of(ses_config()).filter(
        entry__domain=domain, entry__kind=ResourceKind.RULE, recipient=recipient
    )
    return list(rules.values_list("entry__name", flat=True))


def recipients_by_rule(
    key_prefixes: Mapping[str, str], addresses: QuerySet[Any, Any], catch_alls: Iterable[str]
) -> dict[str, dict[str, int]]:
    """For each name, the rules that SES is known to hold and how many recipients they have; one statement.

    Nothing of what another life of the name has left: what the life with this key prefix has written, and of other rules
    the recipients that are among `addresses`, a list for `__in`, and the names that are `catch_alls`.
    """
    config = ses_config()
    digests = [rule_digest(name, key_prefix, config.layout) for name, key_prefix in key_prefixes.items()]
    own = Q(recipients__recipient__in=addresses) | Q(recipients__recipient__in=list(catch_alls))
    counted = Count("recipients", filter=Q(digest__in=digests) | own)
    rows = LedgerEntry.objects.of(config).filter(
        domain__in=key_prefixes, kind=ResourceKind.RULE, presence=Presence.PRESENT
    )
    found: dict[str, dict[str, int]] = {}
    for domain, name, recipients in (
        rows.values_list("domain", "name").annotate(n=counted).filter(n__gt=0).order_by("name")
    ):
        found.setdefault(domain, {})[name] = recipients
    return found
