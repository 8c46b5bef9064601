"""The calls in a domain's deletion plan are those that the deletion makes."""

from __future__ import annotations

import pytest

from domains.lifecycle.catch_all import set_catch_all
from domains.lifecycle.register import add_domain
from domains.tests.plan_requests import delete, plan_of
from inbound.tests.support.aws import calls, create_foreign_identity, fail_calls, recover_and_run_worker
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory
from ses_integration.models import DomainSync, LedgerIdentity


def named(plan):
    return [(call["action"], call["when"]) for call in plan["sesCalls"]["calls"]]


def many_rules(domain, user, ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    for local in "abc":
        EmailAddressFactory(domain=domain, address=f"{local}@example.com")


def catch_all(domain, user, ses, settings):
    EmailAddressFactory(domain=domain, address="a@example.com")
    set_catch_all(domain=domain, enabled=True, endpoint_id=EndpointFactory(owner=user).pk)


def inactive_only(domain, user, ses, settings):
    EmailAddressFactory(domain=domain, address="a@example.com", is_active=False)


def foreign(domain, user, ses, settings):
    create_foreign_identity("kept.example.org")
    kept = add_domain(owner=user, name="kept.example.org").domain
    EmailAddressFactory(domain=kept)
    return kept


def behind(domain, user, ses, settings):
    """The rule has not been created yet, so there is nothing to delete."""
    settings.SES_REQUEST_BUDGET = 0
    EmailAddressFactory(domain=domain, address="a@example.com")
    settings.SES_REQUEST_BUDGET = 60


def whose_is_unknown(domain, user, ses, settings):
    LedgerIdentity.objects.update(ours=None)


def nothing_special(domain, user, ses, settings):
    EmailAddressFactory(domain=domain, address="a@example.com")


SHAPES = [nothing_special, many_rules, catch_all, inactive_only, foreign, behind, whose_is_unknown]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_deletion_makes_exactly_the_planned_calls(api, domain, user, ses, dns, settings, shape):
    domain = shape(domain, user, ses, settings) or domain
    plan = plan_of(api, domain)
    ses.clear_journal()
    settings.SES_REQUEST_BUDGET = 60
    answer = delete(api, domain, plan=plan["token"])
    assert answer.status_code == 200
    assert [action for action, _ in named(plan)] == calls(ses)
    kept = plan["sesIdentity"]["outcome"] == "kept"
    assert answer.json()["deletedResources"]["sesIdentity"] is not kept


def test_an_unanswered_call_is_planned_again_for_when_it_has_settled(api, domain, ses, dns, settings):
    settings.SES_REQUEST_BUDGET = 0.4
    fail_calls(ses, action="CreateReceiptRule", fault="lost")
    EmailAddressFactory(domain=domain, address="a@example.com")
    ses.clear_faults()
    plan = plan_of(api, domain)
    [rule] = plan["receiptRules"]
    assert (rule["isConfirmed"], rule["inDoubt"], plan["isCertain"]) == (False, ["a@example.com"], False)
    assert named(plan) == [
        ("DeleteReceiptRule", "now"),
        ("DeleteEmailIdentity", "now"),
        ("DeleteReceiptRule", "settled"),
    ]
    ses.clear_journal()
    DomainSync.objects.update(retry_at=None)
    settings.SES_REQUEST_BUDGET = 60
    assert delete(api, domain, plan=plan["token"]).status_code == 200
    recover_and_run_worker(ses)
    assert calls(ses) == [action for action, _ in named(plan)]
