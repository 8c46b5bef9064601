"""What an address's deletion plan says, and that the deletion makes its calls."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addresses.deletion_plan import plan_of as build_plan
from addresses.models import EmailAddress
from addresses.services import update_address
from domains.lifecycle.catch_all import set_catch_all
from domains.tests.plan_requests import ADDRESSES, delete, plan_of
from inbound.tests.support.aws import calls, fail_calls, rules
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory

RULE = "inbound-example.com-rule"
CATCH_ALL = "inbound-example.com-catchall-rule"


@pytest.fixture
def crm(user):
    return EndpointFactory(owner=user, name="CRM")


@pytest.fixture
def address(domain, crm, ses):
    """One of two addresses."""
    row = EmailAddressFactory(domain=domain, address="a@example.com", endpoint=crm)
    EmailAddressFactory(domain=domain, address="b@example.com")
    ses.clear_journal()
    return row


def test_the_plan_tells_what_happens_to_the_rule_and_what_stays(api, address, crm, ses):
    plan = plan_of(api, address)
    assert plan.pop("token").startswith("plan_")
    assert plan.pop("sesConfirmedAt")
    assert plan == {
        "emailAddress": {"id": address.pk, "address": "a@example.com", "isActive": True},
        "isCertain": True,
        "receiptRules": [
            {
                "name": RULE,
                "before": ["a@example.com", "b@example.com"],
                "after": ["b@example.com"],
                "isConfirmed": True,
                "inDoubt": [],
                "hasOthers": False,
            }
        ],
        "sesCalls": {
            "calls": [{"action": "UpdateReceiptRule", "name": RULE, "when": "now"}],
            "count": 1,
            "seconds": 0.0,
            "waiting": [],
            "problem": None,
        },
        "sesProblems": [],
        "stays": {
            "domain": {
                "id": address.domain_id,
                "name": "example.com",
                "emailAddresses": 1,
                "isCatchAllEnabled": False,
            },
            "endpoint": {"id": crm.pk, "name": "CRM", "type": "webhook", "isActive": True},
            "dependentEndpoints": [],
            "isBlocked": False,
        },
    }
    assert ses.journal() == []


def one_of_two(domain, crm, settings):
    EmailAddressFactory(domain=domain, address="b@example.com")
    return {RULE: (["a@example.com", "b@example.com"], ["b@example.com"])}


def the_last(domain, crm, settings):
    return {RULE: (["a@example.com"], None)}


def with_inactive_ones(domain, crm, settings):
    EmailAddressFactory(domain=domain, address="b@example.com", is_active=False)
    return {RULE: (["a@example.com"], None)}


def of_a_chunk(domain, crm, settings):
    """The rules of other addresses do not change."""
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    EmailAddressFactory(domain=domain, address="b@example.com")
    return {RULE: (["a@example.com"], None)}


def behind_a_catch_all(domain, crm, settings):
    set_catch_all(domain=domain, enabled=True, endpoint_id=crm.pk)
    return {CATCH_ALL: (["example.com"], ["example.com"])}


def inactive(domain, crm, settings):
    update_address(address=EmailAddress.objects.get(), changes={"is_active": False})
    return {}


def while_another_is_on_its_way(domain, crm, settings):
    settings.SES_REQUEST_BUDGET = 0
    EmailAddressFactory(domain=domain, address="b@example.com")
    settings.SES_REQUEST_BUDGET = 60
    return {RULE: (["a@example.com"], ["b@example.com"])}


def while_the_catch_all_is_on_its_way(domain, crm, settings):
    settings.SES_REQUEST_BUDGET = 0
    set_catch_all(domain=domain, enabled=True, endpoint_id=crm.pk)
    settings.SES_REQUEST_BUDGET = 60
    return {CATCH_ALL: (None, ["example.com"]), RULE: (["a@example.com"], None)}


SHAPES = [
    one_of_two, the_last, with_inactive_ones, of_a_chunk, behind_a_catch_all, inactive, while_another_is_on_its_way,
    while_the_catch_all_is_on_its_way,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_deletion_makes_exactly_the_planned_calls(api, domain, crm, ses, settings, shape):
    address = EmailAddressFactory(domain=domain, address="a@example.com")
    expected = shape(domain, crm, settings)
    plan = plan_of(api, address)
    assert {rule["name"]: (rule["before"], rule["after"]) for rule in plan["receiptRules"]} == expected
    ses.clear_journal()
    answer = delete(api, address, plan=plan["token"])
    assert (answer.status_code, answer.json()["cleanup"]["sesRuleUpdated"]) == (200, True)
    assert calls(ses) == [call["action"] for call in plan["sesCalls"]["calls"]]
    after = {rule["name"]: set(rule["after"]) for rule in plan["receiptRules"] if rule["after"] is not None}
    assert rules(ses).items() >= after.items()


def test_the_plan_mentions_an_unanswered_call(api, domain, ses, settings):
    settings.SES_REQUEST_BUDGET = 0.4
    fail_calls(ses, action="CreateReceiptRule", fault="lost")
    address = EmailAddressFactory(domain=domain, address="a@example.com")
    plan = plan_of(api, address)
    [rule] = plan["receiptRules"]
    assert (rule["isConfirmed"], rule["inDoubt"], rule["after"], plan["isCertain"]) == (
        False,
        ["a@example.com"],
        None,
        False,
    )
    assert [call["when"] for call in plan["sesCalls"]["calls"]] == ["now", "settled"]


def test_a_failed_call_does_not_count_as_confirmed(api, address, ses, impatient):
    fail_calls(ses)
    EmailAddressFactory(domain=address.domain, address="c@example.com")
    assert calls(ses) == ["UpdateReceiptRule"]
    assert plan_of(api, address)["sesConfirmedAt"] is None


def test_the_plan_tells_which_setting_an_update_needs(api, address, settings):
    settings.S3_BUCKET_NAME = ""
    plan = plan_of(api, address)
    assert (plan["sesCalls"]["problem"], plan["isCertain"]) == ("S3_BUCKET_NAME is missing.", False)


def test_an_endpoint_that_names_the_address_is_listed(api, address, user):
    """SES also delivers mail for an address with a label to the address without it, but not the other way round."""
    emails = ["A@Example.com", "a+x@example.com", "b@example.com", "a@example.org", "a@sub.example.com"]
    group = EndpointFactory(owner=user, name="group", type="email_group", config={"emails": emails})
    sender = EndpointFactory(
        owner=user,
        name="sender",
        type="email",
        config={"forwardTo": "b@example.com", "fromAddress": "A <a@example.com>"},
    )
    EndpointFactory(owner=user, type="email", config={"forwardTo": '"@example.com'})
    EndpointFactory(name="theirs", type="email", config={"forwardTo": "a@example.com"})
    assert plan_of(api, address)["stays"]["dependentEndpoints"] == [
        {"id": group.pk, "name": "group", "type": "email_group", "forwardsTo": emails[:2], "sendsFrom": None},
        {"id": sender.pk, "name": "sender", "type": "email", "forwardsTo": [], "sendsFrom": "A <a@example.com>"},
    ]
    labelled = EmailAddressFactory(domain=address.domain, address="a+x@example.com")
    [dependant] = plan_of(api, labelled)["stays"]["dependentEndpoints"]
    assert dependant["forwardsTo"] == ["a+x@example.com"]


def test_an_endpoint_of_another_user_is_not_revealed(api, domain):
    address = EmailAddressFactory(domain=domain, endpoint=EndpointFactory(name="Theirs"))
    assert plan_of(api, address)["stays"]["endpoint"] is None


def test_the_number_of_statements_does_not_depend_on_the_size_of_the_domain(api, domain, ses):
    address = EmailAddressFactory(domain=domain)
    statements = []
    for count in (1, 40):
        bulk = [
            EmailAddress(domain=domain, address=f"{count}-{n}@example.com", slot=count * 100 + n) for n in range(count)
        ]
        EmailAddress.objects.bulk_create(bulk)
        api.get(ADDRESSES)
        with CaptureQueriesContext(connection) as captured:
            plan_of(api, address)
        statements.append(len(captured))
    assert statements[0] == statements[1] <= 14


@pytest.mark.parametrize("state", ["two addresses", "the only one", "inactive", "catch-all"])
def test_the_headline_counts_only_rules_that_change(domain, address, crm, state):
    expected = {"two addresses": "1 rule changed", "the only one": "1 rule deleted"}.get(state, "no rule")
    if state == "the only one":
        EmailAddress.objects.exclude(pk=address.pk).delete()
    elif state == "inactive":
        address = update_address(address=address, changes={"is_active": False}).address
    elif state == "catch-all":
        set_catch_all(domain=domain, enabled=True, endpoint_id=crm.pk)
        address.domain.refresh_from_db()
    assert build_plan(address).headline() == f"1 address · {expected}"
