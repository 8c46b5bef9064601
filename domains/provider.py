"""Specs of domains for ses_integration, which finds `domain_specs` through `settings.SES_SPEC_PROVIDER`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from domains.models import Domain, key_prefix, mail_from
from ses_integration.api import DomainSpec, MailFrom

# Address, whether it is active, and its slot.
AddressRow = tuple[str, bool, int]


# The slot and the address of each active address, in one text: rows of their own would take three times as long to read. The
# table `addresses_emailaddress` belongs to an app above.
_SPECS = """
    SELECT d.id, d.name, d.mail_from_label, d.mail_from_chosen, d.is_catch_all_enabled AND d.catch_all_endpoint_id IS NOT NULL,
      d.restorable_until IS NOT NULL,
      {aggregate}(CAST(a.slot AS TEXT) || %s || a.address, %s)
    FROM domains_domain d LEFT JOIN addresses_emailaddress a ON a.domain_id = d.id AND a.is_active {slot_filter}
    WHERE (d.deleting_since IS NULL OR d.restorable_until IS NOT NULL) {name_filter}
    GROUP BY d.id
"""
_AGGREGATES = {"postgresql": "STRING_AGG", "sqlite": "GROUP_CONCAT"}
# No address contains one (EmailAddress, "address_is_one_line").
_SEPARATOR = "\n"


def domain_specs(names: Sequence[str] | None, slots: range | None = None) -> list[DomainSpec]:
    """Specs of the live domains among `names`, or of all if None, with the addresses in these slots, or all; one statement.

    A domain that is being deleted has none, so SES should hold nothing for it. In its grace period it keeps its identity, and
    receives nothing. Catch-all without an endpoint counts as off.
    The specs leave out inactive addresses: they change no rule, and every pass reads the specs.
    """
    if names is not None and not names:
        return []
    # Prebuilt SQL, because for one domain the ORM takes several times as long to build the statement as it takes to run.
    name_filter = "" if names is None else f"AND d.name IN ({', '.join(['%s'] * len(names))})"
    slot_filter = "" if slots is None else "AND a.slot BETWEEN %s AND %s"
    limits = () if slots is None else (slots[0], slots[-1])
    statement = _SPECS.format(
        aggregate=_AGGREGATES[connection.vendor], name_filter=name_filter, slot_filter=slot_filter
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [_SEPARATOR, _SEPARATOR, *limits, *(names or ())])
        return [
            DomainSpec.without_inactive(
                name,
                key_prefix(name, pk),
                () if deleted else _slots(text),
                catch_all=bool(catch_all) and not deleted,
                mail_from=MailFrom(mail_from(name, label), bool(chosen)),
            )
            for pk, name, label, chosen, catch_all, deleted, text in cursor.fetchall()
        ]


def _slots(text: str | None) -> Iterable[tuple[str, int]]:
    parts = text.split(_SEPARATOR) if text else []
    return zip(parts[1::2], map(int, parts[::2]), strict=True)


def addresses_of(domain: Domain) -> list[AddressRow]:
    """All addresses of the domain, in order; one statement."""
    # `email_addresses`: reverse accessor of addresses.EmailAddress, in the app above.
    return list(domain.email_addresses.order_by("address").values_list("address", "is_active", "slot"))


def spec_in_grace(domain: Domain, addresses: Iterable[AddressRow]) -> DomainSpec:
    """The spec of a domain that is deleted and can be restored: its identity stays, and nothing is received."""
    return DomainSpec.of(
        domain.name,
        domain.key_prefix,
        [(address, False, slot) for address, _, slot in addresses],
        catch_all=False,
        mail_from=MailFrom(domain.mail_from, domain.mail_from_chosen),
    )


def spec_of(domain: Domain, addresses: Iterable[AddressRow]) -> DomainSpec:
    """The spec of the domain with these addresses."""
    return DomainSpec.of(
        domain.name,
        domain.key_prefix,
        addresses,
        catch_all=domain.receives_everything,
        mail_from=MailFrom(domain.mail_from, domain.mail_from_chosen),
    )
