"""GET /domains/{id}"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.aws import calls, fail_calls, keep_new_identities_pending, set_verification_status
from inbound.tests.support.factories import (
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
    UserFactory,
)

pytestmark = pytest.mark.sqlite

URL = "/api/v2/domains"
ODD_IDS = ["nope", "indm_", "a%00b", "%20", "a b", "a" * 5000, "%F0%9F%92%A9", "a%ED%A0%80", "..", "%27%3B--", "a%0A"]


def test_a_domain_is_shown_as_in_the_list_and_with_statistics(api, domain, user):
    EmailAddressFactory(domain=domain)
    EmailAddressFactory(domain=domain, is_active=False)
    answer = api.get(f"{URL}/{domain.pk}")
    assert answer.status_code == 200
    shown = answer.json()
    (listed,) = api.get(URL).json()["data"]
    assert shown.pop("stats") == {
        "totalEmailAddresses": 2,
        "activeEmailAddresses": 1,
        "emailsLast24h": 0,
        "emailsLast7d": 0,
        "emailsLast30d": 0,
    }
    del listed["stats"], listed["receiveDmarcEmails"]
    assert shown == listed


def test_reading_makes_no_call_and_needs_six_statements(api, domain, ses, django_assert_num_queries):
    api.get(URL)  # records the use of the key
    with django_assert_num_queries(
        6
    ):  # key, domain, identity, rules of others, mail by hour, mail of a part of an hour
        api.get(f"{URL}/{domain.pk}")
    assert calls(ses) == []


def test_an_unknown_id_is_not_found(api, subtests):
    for pk in ODD_IDS:
        with subtests.test(pk=pk):
            for path in (f"{URL}/{pk}", f"{URL}/{pk}/dns-records"):
                answer = api.get(path)
                assert answer.status_code == 404
                assert answer.json()["error"] in ("Domain not found", "Not found")


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_another_users_domain_is_not_found(client_for, domain, ses, method):
    other = client_for(UserFactory())
    for path in (f"{URL}/{domain.pk}", f"{URL}/{domain.pk}/dns-records")[: 2 if method == "get" else 1]:
        answer = getattr(other, method)(path, {"isCatchAllEnabled": False} if method == "put" else None)
        assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found"})
    assert Domain.objects.live().count() == 1
    assert calls(ses) == []


def test_a_domain_that_is_being_deleted_is_not_found(api, domain):
    Domain.objects.update(deleting_since=timezone.now())
    for path in (f"{URL}/{domain.pk}", f"{URL}/{domain.pk}/dns-records"):
        assert (api.get(path).status_code, api.get(path).json()) == (404, {"error": "Domain not found"})
    assert api.put(f"{URL}/{domain.pk}", {"isCatchAllEnabled": False}).status_code == 404


def test_an_inactive_catch_all_endpoint_is_shown(api, domain, user):
    endpoint = EndpointFactory(owner=user, is_active=False)
    Domain.objects.update(is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    assert api.get(f"{URL}/{domain.pk}").json()["catchAllEndpoint"]["isActive"] is False


def test_a_check_makes_one_call_and_stores_the_status(api, ses):
    keep_new_identities_pending(ses)
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    ses.clear_journal()
    set_verification_status(ses, "example.com", "Success")
    shown = api.get(f"{URL}/{pk}?check=true").json()
    assert calls(ses) == ["GetEmailIdentity"]
    assert (shown["status"], shown["mailFromDomainStatus"]) == ("verified", "Success")
    assert shown["mailFromDomainVerifiedAt"]
    check = shown["verificationCheck"]
    assert len(check.pop("dnsRecords")) == 9
    assert len(check.pop("dkimTokens")) == 3
    assert check.pop("lastChecked")
    assert check == {
        "sesStatus": "Success",
        "dkimStatus": "Success",
        "dkimVerified": True,
        "mailFromDomain": "mail.example.com",
        "mailFromStatus": "Success",
        "mailFromVerified": True,
        "isFullyVerified": False,
    }
    assert set(shown["authRecommendations"]) == {"spf", "dmarc"}
    assert Domain.objects.get().status == "verified"


def test_a_failed_verification_is_stored(api, domain, ses):
    set_verification_status(ses, "example.com", "Failed")
    assert api.get(f"{URL}/{domain.pk}?check=true").json()["status"] == "failed"


def test_a_failing_check_is_reported_in_the_answer(api, domain, ses, settings):
    fail_calls(ses)
    shown = api.get(f"{URL}/{domain.pk}?check=true").json()
    assert (shown["status"], shown["verificationCheck"]["sesStatus"]) == ("verified", "Error")
    settings.AWS_REGION = ""
    assert api.get(f"{URL}/{domain.pk}?check=true").json()["verificationCheck"]["sesStatus"] == "Unknown"


def test_other_methods_are_not_allowed(api, domain):
    for method in (api.post,):
        answer = method(f"{URL}/{domain.pk}")
        assert (answer.status_code, answer.content) == (405, b"")


def test_a_trailing_slash_is_not_found(api):
    DomainFactory()
    for path in (f"{URL}/", f"{URL}//dns-records", "/api/v2/nothing"):
        assert api.get(path).json() == {"error": "Not found"}


def test_mail_of_the_last_days_is_counted(api, user):
    domain = DomainFactory(owner=user)
    hour = timedelta(hours=1)
    for age in (0, 23.9, 24.1, 7 * 24 - 0.1, 7 * 24 + 0.1, 30 * 24 - 0.1, 30 * 24 + 0.1, 3000):
        ReceivedEmailFactory(
            message__domain=domain, message__arrived_at=timezone.now() - age * hour, is_archived=age > 24
        )
    ReceivedEmailFactory()
    stats = api.get(f"{URL}/{domain.pk}").json()["stats"]
    assert [stats[f"emailsLast{name}"] for name in ("24h", "7d", "30d")] == [2, 4, 6]
