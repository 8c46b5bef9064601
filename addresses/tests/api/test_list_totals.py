"""The lists of configured addresses and their totals are exact in every state of ledger and queue."""

from __future__ import annotations

from itertools import product

import pytest
from django.db.models import F
from django.utils import timezone

from addresses.api.email_addresses import MAX_BEHIND
from addresses.models import EmailAddress
from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerRecipient, RuleSetState

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("no_region")]

URL = "/api/v2/email-addresses"
UP_TO_DATE, BEHIND, IN_FLIGHT, NEVER_MARKED = "up to date", "behind", "in flight", "never marked"
FOLLOWED = [(UP_TO_DATE, False), (UP_TO_DATE, True)]
ALL = list(product([UP_TO_DATE, BEHIND, IN_FLIGHT], [False, True]))
FLAGS = (None, True, False)


def create(domain: Domain, sync: str, *, catch_all: bool) -> dict[str, tuple[bool, bool]]:
    """Create addresses and ledger of a domain. Returns for each address whether it is active, and configured.

    One address each is active or not, and has a recipient of its own in the ledger or not. If SES follows the domain, the
    active ones are in the ledger.
    """
    config = ses_config()
    mark = DomainSync.objects.filter(domain=domain.name)
    mark.update(observed_generation=F("generation"))
    if sync == BEHIND:
        mark.update(generation=F("generation") + 1)
    elif sync == NEVER_MARKED:
        mark.delete()
    rule = LedgerEntry.objects.create(
        region=config.region,
        rule_set=config.rule_set,
        domain=domain.name,
        kind="rule",
        name=f"{domain.name}-rule",
        presence="present",
        changed_at=timezone.now(),
    )
    if sync == IN_FLIGHT:
        InFlightCall.objects.create(entry=rule, operation="update_rule", until=timezone.now(), fence=1)
    recipients, found = {domain.name} if catch_all else set(), {}
    for slot, (active, recorded) in enumerate(product([True, False], [True, False])):
        address = f"a{slot}@{domain.name}"
        EmailAddress.objects.bulk_create([EmailAddress(domain=domain, address=address, slot=slot, is_active=active)])
        if not catch_all and (active if sync == UP_TO_DATE else recorded):
            recipients.add(address)
        found[address] = (active, active and not recipients.isdisjoint({address, domain.name}))
    LedgerRecipient.objects.bulk_create(LedgerRecipient(entry=rule, recipient=recipient) for recipient in recipients)
    return found


def query(domain: Domain | None, active: bool | None, configured: bool | None) -> dict[str, str]:
    given = {"domainId": domain.pk} if domain else {}
    flags = {"isActive": active, "isReceiptRuleConfigured": configured}
    return given | {name: str(value).lower() for name, value in flags.items() if value is not None}


@pytest.mark.parametrize(
    ("states", "others_behind", "is_compared"),
    [
        pytest.param(FOLLOWED, 0, True, id="SES follows all domains"),
        pytest.param(ALL, 0, True, id="SES does not follow some"),
        pytest.param(ALL, MAX_BEHIND, True, id="SES does not follow many"),
        pytest.param([*ALL, (NEVER_MARKED, False)], 0, False, id="the ledger is new"),
    ],
)
def test_lists_and_totals_are_exact(api, user, states, others_behind, is_compared):
    config = ses_config()
    RuleSetState.objects.create(region=config.region, rule_set=config.rule_set, rows_compared=is_compared)
    DomainSync.objects.bulk_create(
        DomainSync(region=config.region, rule_set=config.rule_set, domain=f"a{n}.example.org", generation=1)
        for n in range(others_behind)
    )
    domains = [DomainFactory(owner=user) for _ in states]
    found: dict[str, tuple[bool, bool]] = {}
    for domain, (sync, catch_all) in zip(domains, states, strict=True):
        found |= create(domain, sync, catch_all=catch_all)
    for domain, active, configured in product([None, *domains], FLAGS, FLAGS):
        expected = {
            address: flags[1]
            for address, flags in found.items()
            if domain is None or address.endswith(f"@{domain.name}")
            if active in (None, flags[0]) and configured in (None, flags[1])
        }
        answer = api.get(URL, query(domain, active, configured)).json()
        shown = {row["address"]: row["isReceiptRuleConfigured"] for row in answer["data"]}
        assert (shown, answer["pagination"]["total"]) == (expected, len(expected))
