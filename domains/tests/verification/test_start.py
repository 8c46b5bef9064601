"""POST /domains/{id}/auth"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import DnsRecord, Domain
from inbound.models import Scope
from inbound.tests.support.aws import calls, fail_calls, identities, set_verification_status
from inbound.tests.support.factories import UserFactory
from inbound.worker import Worker

pytestmark = pytest.mark.sqlite

URL = "/api/v2/domains"
NOT_CONFIGURED = {
    "error": "AWS SES not configured. Please set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY environment variables."
}


def auth(domain):
    return f"{URL}/{domain.pk}/auth"


def test_the_client_verifies_with_an_empty_body(api, added, ses):
    """The published client sends POST without a body."""
    answer = api.post(auth(added), b"", content_type="application/json")
    assert answer.status_code == 201
    body = answer.json()
    records = body.pop("records")
    assert len(body.pop("dkimTokens")) == 3
    assert body == {
        "success": True,
        "domain": "example.com",
        "sesIdentityStatus": "Pending",
        "dkimEnabled": True,
        "mailFromDomain": "mail.example.com",
        "mailFromStatus": "Pending",
        "message": "Domain authentication initialized. 9 DNS records generated. Add these records to your DNS provider and use "
        "the verify endpoint to check status.",
    }
    assert [(record["type"], record["name"].partition("._domainkey")[1] or record["name"]) for record in records] == [
        ("TXT", "_amazonses.example.com"),
        ("MX", "example.com"),
        *[("CNAME", "._domainkey")] * 3,
        ("MX", "mail.example.com"),
        ("TXT", "mail.example.com"),
        ("TXT", "example.com"),
        ("TXT", "_dmarc.example.com"),
    ]
    assert [record["isRequired"] for record in records] == [True] * 5 + [False] * 4
    assert set(records[0]) == {"type", "name", "value", "isRequired", "isVerified", "description"}
    # Nothing was given up, so SES is only asked.
    assert calls(ses) == ["GetEmailIdentity"]


def test_the_inbound_mx_record_is_kept(api, added):
    """It is the record that makes receiving work."""
    before = DnsRecord.objects.get(record_type="MX", name="example.com").pk
    api.post(auth(added))
    listed = api.get(f"{URL}/{added.pk}/dns-records").json()["records"]
    assert before in {record["id"] for record in listed}
    assert len(listed) == 9


def test_recommended_records_can_be_left_out_of_the_answer(api, added):
    answer = api.post(auth(added), {"generateSpf": False, "generateDmarc": False}).json()
    names = {record["name"] for record in answer["records"]}
    assert "_dmarc.example.com" not in names
    assert ("TXT", "example.com") not in {(record["type"], record["name"]) for record in answer["records"]}


def test_another_mail_from_domain_replaces_the_records_of_the_old_one(api, added, ses):
    answer = api.post(auth(added), {"mailFromDomain": "Bounce"}).json()
    assert answer["mailFromDomain"] == "bounce.example.com"
    assert calls(ses) == ["GetEmailIdentity", "SetIdentityMailFromDomain", "GetEmailIdentity"]
    listed = {(row.record_type, row.name) for row in DnsRecord.objects.all()}
    assert {("MX", "bounce.example.com"), ("TXT", "bounce.example.com")} <= listed
    assert ("MX", "mail.example.com") not in listed
    assert api.get(f"{URL}/{added.pk}").json()["mailFromDomain"] == "bounce.example.com"


def test_a_choice_of_mail_from_domain_outlives_the_identity(api, added, ses):
    api.post(auth(added), {"mailFromDomain": "bounce"})
    ses.reset()
    ses.prepare("eu-west-1", rule_set="inbound-email-rules", bucket="inbound-mail")
    Worker().tick()
    Worker().tick()
    check = api.get(f"{URL}/{added.pk}?check=true").json()["verificationCheck"]
    assert check["mailFromDomain"] == "bounce.example.com"


NO_LABELS = ["a.b", "-a", "a_b", "", "mail.example.com", "x" * 64, 5, True]


def test_what_is_no_label_is_refused(api, added, ses, subtests):
    for label in NO_LABELS:
        with subtests.test(label=label):
            answer = api.post(auth(added), {"mailFromDomain": label})
            assert answer.status_code == (201 if label == "" else 400)
            if label != "":
                assert "mailFromDomain" in answer.json()["error"]


def test_a_failed_verification_is_started_again_at_ses(api, added, ses):
    set_verification_status(ses, "example.com", "Failed")
    assert api.get(f"{URL}/{added.pk}?check=true").json()["status"] == "failed"
    ses.clear_journal()
    answer = api.post(auth(added)).json()
    assert answer["sesIdentityStatus"] == "Pending"
    assert calls(ses) == ["GetEmailIdentity", "VerifyDomainIdentity", "GetEmailIdentity"]
    shown = api.get(f"{URL}/{added.pk}").json()
    assert (shown["status"], shown["nextCheck"] is not None) == ("pending", True)
    assert DnsRecord.objects.count() == 9
    [again, failed] = api.get(f"{URL}/{added.pk}/status-history").json()["changes"]
    assert (failed["before"], failed["after"]) == ("pending", "failed")
    assert (again["after"], again["reason"]) == ("pending", "The owner has started the verification again.")


def test_starting_again_does_not_give_back_what_missing_records_have_taken(api, added, ses):
    set_verification_status(ses, "example.com", "Success")
    Domain.objects.update(missing_since=timezone.now() - timedelta(hours=73))
    for call in (lambda: api.get(f"{URL}/{added.pk}?check=true"), lambda: api.post(auth(added))):
        call()
        assert api.get(f"{URL}/{added.pk}").json()["status"] == "pending"


def test_an_identity_that_ses_has_lost_is_created_again(api, added, ses):
    ses.reset()
    ses.prepare("eu-west-1", rule_set="inbound-email-rules", bucket="inbound-mail")
    assert api.post(auth(added)).json()["sesIdentityStatus"] == "Success"
    assert identities(ses) == {"example.com"}


def test_ses_gives_up_after_the_worker_has_and_one_call_starts_again(api, added, ses):
    Domain.objects.update(checking_since=timezone.now() - timedelta(hours=73))
    assert api.get(f"{URL}/{added.pk}?check=true").json()["status"] == "failed"
    set_verification_status(ses, "example.com", "Failed")
    assert api.post(auth(added)).json()["sesIdentityStatus"] == "Pending"


def test_a_mail_from_domain_that_ses_refuses_is_forgotten(api, added, ses):
    ses.add_faults({"service": "ses", "action": "SetIdentityMailFromDomain", "fault": "access_denied", "times": None})
    answer = api.post(auth(added), {"mailFromDomain": "bounce"})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "Failed to configure SES authentication",
        "details": "SES does not take bounce.example.com as MAIL FROM domain, or the credentials do not allow it.",
    }
    ses.clear_journal()
    for _ in range(3):
        Domain.objects.update(next_check=timezone.now())
        Worker().tick()
    assert "SetIdentityMailFromDomain" not in calls(ses)
    assert api.get(f"{URL}/{added.pk}").json()["mailFromDomain"] == "mail.example.com"


def test_a_change_that_ses_does_not_confirm_is_told_and_applied_later(api, added, ses, impatient):
    fail_calls(ses)
    answer = api.post(auth(added), {"mailFromDomain": "bounce"})
    assert answer.status_code == 201
    assert answer.json()["warning"].startswith("SES configuration failed: ")
    assert answer.json()["sesIdentityStatus"] == "Error"
    ses.clear_faults()
    api.get(f"{URL}/{added.pk}")
    Domain.objects.update(next_check=None)
    Worker().tick()
    [listed] = api.get(URL, {"check": "true"}).json()["data"]
    assert listed["mailFromDomain"] == "bounce.example.com"


@pytest.mark.parametrize("method", ["post", "patch"])
def test_without_configuration_it_says_so(api, added, no_region, method):
    answer = getattr(api, method)(auth(added))
    assert (answer.status_code, answer.json()) == (500, NOT_CONFIGURED)


@pytest.mark.parametrize("method", ["post", "patch"])
def test_another_users_domain_is_not_found(client_for, added, ses, method):
    other = client_for(UserFactory())
    for path in (auth(added), f"{URL}/{added.pk}"):
        if (method, path) != ("post", f"{URL}/{added.pk}"):
            answer = getattr(other, method)(path)
            assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found"})
    assert other.get(f"{URL}/{added.pk}/status-history").status_code == 404
    assert calls(ses) == []


def test_it_needs_the_write_scope(client_for, user, added, ses):
    reader = client_for(user, Scope.READ)
    for answer in (reader.post(auth(added)), reader.patch(auth(added)), reader.patch(f"{URL}/{added.pk}")):
        assert answer.status_code == 403
    assert calls(ses) == []
