"""GET and POST /blocked-emails, GET and DELETE /blocked-emails/{id}"""

from __future__ import annotations

import json

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from addresses.models import BlockedEmail
from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from inbound.tests.support.json_bodies import any_object

pytestmark = pytest.mark.sqlite

URL = "/api/v2/blocked-emails"


@pytest.fixture
def catch_all(domain, user, ses):
    Domain.objects.update(is_catch_all_enabled=True, catch_all_endpoint=EndpointFactory(owner=user))
    return domain


def test_an_address_of_a_catch_all_is_blocked_and_unblocked(api, catch_all, user, ses):
    answer = api.post(URL, {"emailAddress": " Spam@EXAMPLE.com", "reason": "noise"})
    assert answer.status_code == 201
    body = dict(answer.json())
    blocked = BlockedEmail.objects.get()
    assert body.pop("createdAt")
    assert body == {
        "id": blocked.pk,
        "emailAddress": "spam@example.com",
        "domain": "example.com",
        "domainId": catch_all.pk,
        "reason": "noise",
        "blockedBy": str(user.pk),
    }
    assert api.get(f"{URL}/{blocked.pk}").json() == api.get(URL).json()["data"][0] == answer.json()
    answer = api.delete(f"{URL}/{blocked.pk}")
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": "Successfully unblocked spam@example.com"}
    assert not BlockedEmail.objects.exists()
    assert calls(ses) == []


def test_a_reason_is_optional(api, catch_all):
    for n, reason in enumerate(({}, {"reason": None}, {"reason": ""})):
        answer = api.post(URL, {"emailAddress": f"s{n}@example.com"} | reason)
        assert (answer.status_code, answer.json()["reason"]) == (201, None)


MISSING = {"error": "Missing required fields", "required": ["emailAddress"]}


BAD_BODIES = [
        ({}, MISSING),
        ({"emailAddress": None}, MISSING),
        ({"emailAddress": ""}, MISSING),
        ({"emailAddress": 1}, {"error": "emailAddress must be a string"}),
        ({"emailAddress": ["a@example.com"]}, {"error": "emailAddress must be a string"}),
        ({"emailAddress": "a@example.com", "reason": 1}, {"error": "reason must be a string"}),
        ({"emailAddress": "a@example.com", "reason": "\x00"},
         {"error": "reason is not valid: Null characters are not allowed."}),
        ({"emailAddress": "a@example.com", "reason": "x" * 501},
         {"error": "reason is not valid: Ensure this field has no more than 500 characters."}),
        ({"emailAddress": "nonsense"}, {"error": "Invalid email format"}),
        ({"emailAddress": "a@localhost"}, {"error": "Invalid email format"}),
        ([], {"error": "Request body must be a JSON object."}),
    ]  # fmt: skip


def test_a_bad_body_is_refused(api, catch_all, subtests):
    for body, answer in BAD_BODIES:
        with subtests.test(body=body):
            got = api.post(URL, json.dumps(body), content_type="application/json")
            assert (got.status_code, got.json()) == (400, answer)
            assert not BlockedEmail.objects.exists()


def test_blocking_needs_a_catch_all(api, domain):
    answer = api.post(URL, {"emailAddress": "a@example.com"})
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        "Domain example.com does not have catch-all enabled. Only emails from catch-all domains can be blocked."
    )


def test_an_address_that_was_added_cannot_be_blocked(api, catch_all):
    EmailAddressFactory(domain=catch_all, address="a@example.com")
    answer = api.post(URL, {"emailAddress": "A@example.com"})
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        "Cannot block manually added email addresses. Only catch-all emails can be blocked."
    )


def test_an_address_can_be_blocked_once(api, catch_all):
    BlockedEmailFactory(domain=catch_all, email_address="a@example.com")
    answer = api.post(URL, {"emailAddress": "A@example.com"})
    assert (answer.status_code, answer.json()) == (409, {"error": "Email address is already blocked"})


def test_another_users_domain_is_not_found(api, client_for, catch_all):
    for client, address in ((client_for(UserFactory()), "a@example.com"), (api, "a@example.org")):
        answer = client.post(URL, {"emailAddress": address})
        name = address.partition("@")[2]
        assert (answer.status_code, answer.json()) == (404, {"error": f"Domain {name} not found in the system"})
    Domain.objects.update(deleting_since=timezone.now())
    assert api.post(URL, {"emailAddress": "a@example.com"}).status_code == 404
    assert not BlockedEmail.objects.exists()


def test_another_users_blocked_email_is_not_found(client_for, catch_all):
    blocked = BlockedEmailFactory(domain=catch_all)
    other = client_for(UserFactory())
    assert other.get(URL).json()["data"] == []
    assert other.get(URL, {"domainId": catch_all.pk}).json()["data"] == []
    for method in (other.get, other.delete):
        answer = method(f"{URL}/{blocked.pk}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Blocked email not found"})
    assert BlockedEmail.objects.exists()


ODD_IDS = ["nope", "a%00b", "%20", "a" * 5000]


def test_an_unknown_id_is_not_found(api, catch_all, subtests):
    for pk in ODD_IDS:
        with subtests.test(pk=pk):
            for method in (api.get, api.delete):
                answer = method(f"{URL}/{pk}")
                assert (answer.status_code, answer.json()) == (404, {"error": "Blocked email not found"})


def test_blocked_emails_are_listed_in_pages_and_by_domain(api, user, domain, django_assert_num_queries):
    other = DomainFactory(owner=user)
    BlockedEmailFactory(domain=other)
    BlockedEmail.objects.bulk_create(BlockedEmail(domain=domain, email_address=f"b{n}@example.com") for n in range(100))
    assert api.get(URL, {"domainId": other.pk}).json()["pagination"]["total"] == 1
    assert api.get(URL, {"domainId": "no\x00pe"}).json()["data"] == []
    assert api.get(URL, {"limit": 0}).status_code == 400
    for limit in (1, 100):
        with django_assert_num_queries(3):  # key, count, page
            page = api.get(URL, {"limit": limit, "offset": 1}).json()
        assert len(page["data"]) == limit
        assert page["pagination"]["total"] == 101


def test_a_blocked_email_is_deleted_with_its_domain(api, catch_all):
    blocked = BlockedEmailFactory(domain=catch_all)
    answer = api.delete(f"/api/v2/domains/{catch_all.pk}").json()
    assert answer["deletedResources"]["blockedEmails"] == 1
    assert api.get(f"{URL}/{blocked.pk}").status_code == 404


def test_each_method_needs_its_scope(client_for, user, catch_all):
    blocked = BlockedEmailFactory(domain=catch_all)
    reader = client_for(user, Scope.READ)
    assert reader.get(URL).status_code == 200
    assert reader.post(URL, {"emailAddress": "a@example.com"}).status_code == 403
    assert reader.delete(f"{URL}/{blocked.pk}").status_code == 403


def test_other_methods_are_not_allowed(api, catch_all):
    blocked = BlockedEmailFactory(domain=catch_all)
    for path, methods in ((URL, (api.put, api.patch, api.delete)), (f"{URL}/{blocked.pk}", (api.put, api.post))):
        for method in methods:
            assert (method(path).status_code, method(path).content) == (405, b"")


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=any_object("reason", emailAddress=st.just("a@example.com")))
def test_no_body_causes_a_server_error(api, catch_all, body):
    answer = api.post(URL, json.dumps(body), content_type="application/json")
    assert answer.status_code in (201, 400, 404, 409)
    assert isinstance(answer.json().get("error", ""), str)
