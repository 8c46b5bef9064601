"""Changes that exceed SES's quotas are refused before anything is written."""

from __future__ import annotations

import pytest

from addresses.models import EmailAddress
from addresses.services import create_address
from domains.lifecycle.register import add_domain
from domains.models import Domain
from inbound.tests.support.aws import calls, recover_and_run_worker, rules
from inbound.tests.support.factories import EndpointFactory
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.models import DomainSync, LedgerEntry

API = "/api/v2"
NO_RULE = {
    "error": (
        "SES has no room for another receipt rule: all 200 of the rule set in eu-west-1 are used. Delete domains or "
        "addresses that are not needed any more."
    ),
    "code": "SES_QUOTA_REACHED",
}
NO_IDENTITY = {
    "error": (
        "SES has no room for another domain: all 10000 identities in eu-west-1 are used. Delete domains that are not "
        "needed any more."
    ),
    "code": "SES_QUOTA_REACHED",
}


@pytest.fixture
def domain(user, ses):
    """A domain in SES, without an address."""
    domain = add_domain(owner=user, name="example.com").domain
    Domain.objects.update(status=Domain.Status.VERIFIED)
    return domain


def others_use(*, rules=0, identities=0):
    quotas.record_foreign(ses_config(), rules=rules, identities=identities)


def fill_up(ses):
    """The rule set is full."""
    ses.set_quotas(rules=len(rules(ses)))
    others_use(rules=200 - len(rules(ses)))


def state():
    """Everything that a refused change must leave unchanged."""
    return [list(model.objects.order_by("pk").values()) for model in (Domain, EmailAddress, DomainSync, LedgerEntry)]


def refused(ask, body):
    before = state()
    answer = ask()
    assert (answer.status_code, answer.json()) == (409, body)
    assert state() == before


def test_a_domain_is_refused_if_all_identities_are_used(api, ses):
    others_use(identities=10_000)
    refused(lambda: api.post(f"{API}/domains", {"domain": "example.org"}), NO_IDENTITY)
    assert calls(ses) == []


def test_the_last_identity_can_be_used(api, ses):
    others_use(identities=9_999)
    assert api.post(f"{API}/domains", {"domain": "example.org"}).status_code == 201


def test_an_address_is_refused_if_it_needs_a_rule_and_all_are_used(api, domain, ses):
    others_use(rules=200)
    ses.clear_journal()
    refused(lambda: api.post(f"{API}/email-addresses", {"address": "a@example.com", "domainId": domain.pk}), NO_RULE)
    assert calls(ses) == []


def test_a_smaller_quota_is_learned_and_both_answers_say_that_there_is_no_room(api, domain, ses):
    other = api.post(f"{API}/domains", {"domain": "example.org"}).json()
    ses.set_quotas(rules=1)
    create_address(domain=domain, address="a@example.com", endpoint_id=None)
    Domain.objects.update(status=Domain.Status.VERIFIED)
    answer = api.post(f"{API}/email-addresses", {"address": "b@example.org", "domainId": other["id"]})
    assert (answer.status_code, answer.json()["warning"]) == (
        201,
        "SES configuration failed: The receipt rule set has no room for another rule. SES has not confirmed the change. "
        "It is recorded, but somebody must first delete domains or addresses that are not needed any more.",
    )
    third = api.post(f"{API}/domains", {"domain": "example.net"}).json()
    body = {"address": "c@example.net", "domainId": third["id"]}
    no_rule = {**NO_RULE, "error": NO_RULE["error"].replace("all 200", "all 1")}
    Domain.objects.update(status=Domain.Status.VERIFIED)
    refused(lambda: api.post(f"{API}/email-addresses", body), no_rule)
    assert api.get(f"{API}/ses/status").json()["rules"] == {"used": 2, "quota": 1}

    domain.email_addresses.get().delete()
    recover_and_run_worker(ses)
    assert rules(ses) == {"inbound-example.org-rule": {"b@example.org"}}


def test_an_address_that_fits_into_an_existing_rule_is_added(api, domain):
    create_address(domain=domain, address="a@example.com", endpoint_id=None)
    others_use(rules=199)
    answer = api.post(f"{API}/email-addresses", {"address": "b@example.com", "domainId": domain.pk})
    assert (answer.status_code, answer.json()["isReceiptRuleConfigured"]) == (201, True)


def test_an_address_that_needs_another_rule_is_refused(api, domain, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    create_address(domain=domain, address="a@example.com", endpoint_id=None)
    others_use(rules=199)
    refused(lambda: api.post(f"{API}/email-addresses", {"address": "b@example.com", "domainId": domain.pk}), NO_RULE)


def test_an_inactive_address_is_added_but_its_activation_is_refused(api, domain):
    others_use(rules=200)
    body = {"address": "a@example.com", "domainId": domain.pk, "isActive": False}
    row = api.post(f"{API}/email-addresses", body).json()
    refused(lambda: api.put(f"{API}/email-addresses/{row['id']}", {"isActive": True}), NO_RULE)


def test_catch_all_reuses_the_room_of_the_rules_that_it_replaces(api, user, domain, ses):
    """In a full rule set the old rule makes room for the new one, both on and off."""
    create_address(domain=domain, address="a@example.com", endpoint_id=None)
    fill_up(ses)
    on = {"isCatchAllEnabled": True, "catchAllEndpointId": EndpointFactory(owner=user).pk}
    assert api.put(f"{API}/domains/{domain.pk}", on).json()["receiptRuleName"] == "inbound-example.com-catchall-rule"
    answer = api.put(f"{API}/domains/{domain.pk}", {"isCatchAllEnabled": False})
    assert (answer.status_code, answer.json()["receiptRuleName"]) == (200, None)
    assert rules(ses) == {"inbound-example.com-rule": {"a@example.com"}}


def test_catch_all_is_not_switched_off_if_the_addresses_rules_do_not_fit(api, user, domain, ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    on = {"isCatchAllEnabled": True, "catchAllEndpointId": EndpointFactory(owner=user).pk}
    api.put(f"{API}/domains/{domain.pk}", on)
    for local in "ab":
        create_address(domain=domain, address=f"{local}@example.com", endpoint_id=None)
    others_use(rules=199)
    refused(lambda: api.put(f"{API}/domains/{domain.pk}", {"isCatchAllEnabled": False}), NO_RULE)


def test_catch_all_without_endpoint_receives_until_the_addresses_rules_fit(api, user, domain, ses, settings):
    """Deleting an endpoint is never refused. Receiving too much mail is better than losing some."""
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    endpoint = EndpointFactory(owner=user)
    api.put(f"{API}/domains/{domain.pk}", {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk})
    for local in "ab":
        create_address(domain=domain, address=f"{local}@example.com", endpoint_id=None)
    fill_up(ses)
    assert api.delete(f"{API}/endpoints/{endpoint.pk}").status_code == 200
    assert rules(ses) == {"inbound-example.com-catchall-rule": {"example.com"}}
    ses.set_quotas(rules=None)
    recover_and_run_worker(ses)
    assert set(rules(ses)) == {"inbound-example.com-rule", "inbound-example.com-rule-2"}


def test_a_deletion_makes_room_for_others(api, domain, ses):
    row = create_address(domain=domain, address="a@example.com", endpoint_id=None).address
    others_use(rules=199)
    api.delete(f"{API}/email-addresses/{row.pk}")
    assert api.post(f"{API}/email-addresses", {"address": "b@example.com", "domainId": domain.pk}).status_code == 201


def test_room_stays_reserved_until_ses_has_confirmed_the_deletion_of_the_rule(api, domain, ses):
    row = create_address(domain=domain, address="a@example.com", endpoint_id=None).address
    other = api.post(f"{API}/domains", {"domain": "example.org"}).json()
    others_use(rules=199)
    ses.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied"})
    api.delete(f"{API}/email-addresses/{row.pk}")
    refused(lambda: api.post(f"{API}/email-addresses", {"address": "b@example.org", "domainId": other["id"]}), NO_RULE)
