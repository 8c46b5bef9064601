"""POST /email-addresses/bulk-delete"""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addresses.models import EmailAddress
from addresses.services import create_address
from inbound.models import Scope
from inbound.tests.support.aws import calls, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, UserFactory

URL = "/api/v2/email-addresses/bulk-delete"
EITHER = {"error": "Give either ids or domainId"}
ONLY = {"error": "bulk-delete takes ids or domainId, and nothing else. Nothing was deleted."}
LIST = {"error": "ids must be a list of 1 to 1000 strings"}
RULE = "inbound-example.com-rule"


@pytest.fixture
def have(domain, ses):
    """`have("a", "b")` adds these addresses to SES and empties the journal."""

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


def test_results_are_in_the_order_of_the_request(api, have, ses):
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


def test_each_rule_is_changed_by_one_call(api, have, ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    a, b, c, _ = have(*"abcd")
    api.post(URL, {"ids": [a.pk, b.pk, c.pk]})
    assert sorted(calls(ses)) == ["DeleteReceiptRule", "UpdateReceiptRule"]
    assert rules(ses) == {f"{RULE}-2": {"d@example.com"}}


def test_a_domain_id_deletes_all_its_addresses(api, have, ses, domain):
    have(*"abc")
    answer = api.post(URL, {"domainId": domain.pk}).json()
    assert answer["summary"] == {"requested": 3, "deleted": 3, "sesConfirmed": 3, "remaining": 0}
    assert [result["cleanup"]["emailAddress"] for result in answer["results"]] == [f"{x}@example.com" for x in "abc"]
    assert calls(ses) == ["DeleteReceiptRule"]


def test_a_domain_without_addresses_gives_an_empty_answer(api, domain, ses):
    nothing = {"requested": 0, "deleted": 0, "sesConfirmed": 0, "remaining": 0}
    assert api.post(URL, {"domainId": domain.pk}).json() == {"results": [], "summary": nothing}


def test_a_repeated_id_counts_once(api, have):
    (a,) = have("a")
    assert api.post(URL, {"ids": [a.pk, a.pk]}).json()["summary"]["requested"] == 1


def test_an_unconfirmed_result_has_a_warning(api, have, ses, impatient):
    a, b, _ = have(*"abc")
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    answer = api.post(URL, {"ids": [a.pk, b.pk]}).json()
    assert answer["summary"] == {"requested": 2, "deleted": 2, "sesConfirmed": 0}
    for result in answer["results"]:
        assert result["cleanup"]["sesRuleUpdated"] is False
        assert result["cleanup"]["warning"].startswith("SES rule update failed: ")


def test_other_users_addresses_are_not_found_and_stay(api, ses):
    theirs = EmailAddressFactory(domain=DomainFactory(owner=UserFactory()))
    answer = api.post(URL, {"ids": [theirs.pk]}).json()
    assert answer["results"] == [{"id": theirs.pk, "deleted": False, "error": "Email address not found"}]
    refused = api.post(URL, {"domainId": theirs.domain_id})
    assert (refused.status_code, refused.json()) == (404, {"error": "Domain not found or access denied"})
    assert EmailAddress.objects.count() == 1


def test_an_invalid_body_deletes_nothing(api, have, domain, subtests):
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
def test_a_mistaken_dry_run_deletes_nothing(api, have, query):
    (a,) = have("a")
    assert api.post(f"{URL}?{query}", {"ids": [a.pk]}).status_code == 400
    assert EmailAddress.objects.count() == 1


@pytest.mark.parametrize("key", ["dry_run", "dryRun", "plan", "isActive", "domain", "\ud800"])
def test_an_unknown_key_in_the_body_deletes_nothing(api, have, domain, key):
    """The client may have meant to delete less, or nothing."""
    (a,) = have("a")
    for body in ({"ids": [a.pk], key: True}, {"domainId": domain.pk, key: None}, {key: "x"}):
        answer = api.generic("POST", URL, json.dumps(body))
        assert (answer.status_code, answer.json()) == (400, ONLY)
    assert EmailAddress.objects.count() == 1


def test_bulk_deletion_needs_the_delete_scope(client_for, user, have):
    (a,) = have("a")
    assert client_for(user, Scope.WRITE).post(URL, {"ids": [a.pk]}).status_code == 403
    assert client_for(user, Scope.DELETE).post(URL, {"ids": [a.pk]}).status_code == 200


# SQLite takes 999 parameters in a statement, and inserts the 100 entries of the audit log with two.
@pytest.mark.postgresql
def test_statements_do_not_grow_with_the_addresses(api, domain, ses):
    api.get("/api/v2/email-addresses")  # records the use of the key
    statements = []
    for size in (2, 100):
        rows = EmailAddress.objects.bulk_create(
            EmailAddress(domain=domain, address=f"s{size}n{n}@example.com", slot=n) for n in range(size)
        )
        with CaptureQueriesContext(connection) as captured:
            assert api.post(URL, {"ids": [row.pk for row in rows]}).json()["summary"]["sesConfirmed"] == size
        statements.append(len(captured))
    assert statements[0] == statements[1]


def test_with_an_idempotency_key_only_ids_are_accepted(api, have, domain):
    """A run that is killed after its commit runs again, and would delete further addresses of the domain."""
    have("a")
    answer = api.post(URL, {"domainId": domain.pk}, HTTP_IDEMPOTENCY_KEY="k")
    assert (answer.status_code, EmailAddress.objects.count()) == (400, 1)
