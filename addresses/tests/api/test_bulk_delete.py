"""POST /email-addresses/bulk-delete"""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addresses.models import EmailAddress
from addresses.services import create_address
from inbound.models import Scope
from inbound.tests.aws import calls, rules
from inbound.tests.factories import DomainFactory, EmailAddressFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "/api/v2/email-addresses/bulk-delete"
EITHER = {"error": "Give either ids or domainId"}
ONLY = {"error": "bulk-delete takes ids or domainId, and nothing else. Nothing was deleted."}
LIST = {"error": "ids must be a list of 1 to 1000 strings"}
RULE = "inbound-example.com-rule"


@pytest.fixture
def have(domain, ses):
    """`have("a", "b")`: these addresses, received by SES, and an empty journal."""

    def have(*local_parts):
        rows = [
            create_address(domain=domain, address=f"{local}@example.com", endpoint_id=None).address
            for local in local_parts
        ]
        ses.clear_journal()
        return rows

    return have


def gone(row, **more):
    cleanup = {"sesRuleUpdated": True, "emailAddress": row.address, "domain": row.address.partition("@")[2]}
    return {"id": row.pk, "deleted": True, "cleanup": cleanup | more}


def test_each_id_has_its_answer_in_the_order_of_the_request(api, have, ses):
    a, b, _ = have(*"abc")
    answer = api.post(URL, {"ids": [b.pk, "nothing", a.pk]})
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            gone(b),
            {"id": "nothing", "deleted": False, "error": "Email address not found"},
            gone(a),
        ],
        "summary": {"requested": 3, "deleted": 2, "sesConfirmed": 2},
    }
    assert calls(ses) == ["UpdateReceiptRule"]
    assert rules(ses) == {RULE: {"c@example.com"}}


def test_those_of_one_rule_are_one_call_and_each_rule_has_its_own(api, have, ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    a, b, c, _ = have(*"abcd")
    api.post(URL, {"ids": [a.pk, b.pk, c.pk]})
    assert sorted(calls(ses)) == ["DeleteReceiptRule", "UpdateReceiptRule"]
    assert rules(ses) == {f"{RULE}-2": {"d@example.com"}}


def test_of_a_domain_all_go(api, have, ses, domain):
    have(*"abc")
    answer = api.post(URL, {"domainId": domain.pk}).json()
    assert answer["summary"] == {"requested": 3, "deleted": 3, "sesConfirmed": 3, "remaining": 0}
    assert [result["cleanup"]["emailAddress"] for result in answer["results"]] == [f"{x}@example.com" for x in "abc"]
    assert calls(ses) == ["DeleteReceiptRule"]


def test_a_domain_without_addresses_is_an_empty_answer(api, domain, ses):
    nothing = {"requested": 0, "deleted": 0, "sesConfirmed": 0, "remaining": 0}
    assert api.post(URL, {"domainId": domain.pk}).json() == {"results": [], "summary": nothing}


def test_an_id_that_is_named_twice_is_one(api, have):
    (a,) = have("a")
    assert api.post(URL, {"ids": [a.pk, a.pk]}).json()["summary"]["requested"] == 1


def test_what_ses_has_not_confirmed_says_so(api, have, ses, impatient):
    a, b, _ = have(*"abc")
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    answer = api.post(URL, {"ids": [a.pk, b.pk]}).json()
    assert answer["summary"] == {"requested": 2, "deleted": 2, "sesConfirmed": 0}
    for result in answer["results"]:
        assert result["cleanup"]["sesRuleUpdated"] is False
        assert result["cleanup"]["warning"].startswith("SES rule update failed: ")


def test_somebody_else_s_are_not_found_and_stay(api, ses):
    theirs = EmailAddressFactory(domain=DomainFactory(owner=UserFactory()))
    answer = api.post(URL, {"ids": [theirs.pk]}).json()
    assert answer["results"] == [{"id": theirs.pk, "deleted": False, "error": "Email address not found"}]
    refused = api.post(URL, {"domainId": theirs.domain_id})
    assert (refused.status_code, refused.json()) == (404, {"error": "Domain not found or access denied"})
    assert EmailAddress.objects.count() == 1


def test_a_body_that_is_none_is_refused_and_deletes_nothing(api, have, domain, subtests):
    (a,) = have("a")
    for body, error in [
        ({}, EITHER),
        ({"ids": [a.pk], "domainId": domain.pk}, EITHER),
        ({"ids": []}, LIST),
        ({"ids": a.pk}, LIST),
        ({"ids": None}, LIST),
        ({"ids": [a.pk, 1]}, LIST),
        ({"ids": ["x"] * 1001}, LIST),
        ({"domainId": 1}, {"error": "domainId must be a string"}),
    ]:
        with subtests.test(body=str(body)[:60]):
            answer = api.post(URL, body)
            assert (answer.status_code, answer.json()) == (400, error)
    assert EmailAddress.objects.count() == 1


@pytest.mark.parametrize("query", ["dry_run=true", "dryRun=true", "dry_run=1", "plan=x"])
def test_what_may_have_been_meant_to_delete_nothing_deletes_nothing(api, have, query):
    (a,) = have("a")
    assert api.post(f"{URL}?{query}", {"ids": [a.pk]}).status_code == 400
    assert EmailAddress.objects.count() == 1


@pytest.mark.parametrize("key", ["dry_run", "dryRun", "plan", "isActive", "domain", "\ud800"])
def test_a_key_of_the_body_that_it_does_not_know_deletes_nothing(api, have, domain, key):
    """It may have been meant to delete less, or nothing."""
    (a,) = have("a")
    for body in ({"ids": [a.pk], key: True}, {"domainId": domain.pk, key: None}, {key: "x"}):
        answer = api.generic("POST", URL, json.dumps(body))
        assert (answer.status_code, answer.json()) == (400, ONLY)
    assert EmailAddress.objects.count() == 1


def test_it_needs_the_scope_to_delete(client_for, user, have):
    (a,) = have("a")
    assert client_for(user, Scope.WRITE).post(URL, {"ids": [a.pk]}).status_code == 403
    assert client_for(user, Scope.DELETE).post(URL, {"ids": [a.pk]}).status_code == 200


def test_a_hundred_cost_the_statements_of_two(api, domain, ses):
    api.get("/api/v2/email-addresses")  # notes the use of the key
    statements = []
    for size in (2, 100):
        rows = EmailAddress.objects.bulk_create(
            EmailAddress(domain=domain, address=f"s{size}n{n}@example.com", slot=n) for n in range(size)
        )
        with CaptureQueriesContext(connection) as captured:
            assert api.post(URL, {"ids": [row.pk for row in rows]}).json()["summary"]["sesConfirmed"] == size
        statements.append(len(captured))
    assert statements[0] == statements[1]


def test_under_an_idempotency_key_it_takes_ids_only(api, have, domain):
    """A run that is killed after its commit is run anew: by domain it would take others."""
    have("a")
    answer = api.post(URL, {"domainId": domain.pk}, HTTP_IDEMPOTENCY_KEY="k")
    assert (answer.status_code, EmailAddress.objects.count()) == (400, 1)
