"""PATCH /domains/{id}"""

from __future__ import annotations

import pytest

from domains.models import DnsRecord
from inbound.tests.support.aws import (
    calls,
    create_foreign_identity,
    fail_calls,
    identities,
    set_verification_status,
)

pytestmark = pytest.mark.sqlite

URL = "/api/v2/domains"


def test_an_upgrade_gives_an_adopted_identity_a_mail_from_domain(api, ses):
    create_foreign_identity("example.com")
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    assert DnsRecord.objects.count() == 7
    answer = api.patch(f"{URL}/{pk}")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["success"], body["mailFromDomain"]) == (True, "mail.example.com")
    assert body["message"] == "Domain successfully upgraded with MAIL FROM domain configuration"
    assert [(record["type"], record["name"], record["isRequired"]) for record in body["additionalDnsRecords"]] == [
        ("MX", "mail.example.com", False),
        ("TXT", "mail.example.com", False),
    ]
    assert DnsRecord.objects.count() == 9
    # A second time, it adds nothing.
    api.patch(f"{URL}/{pk}")
    assert DnsRecord.objects.count() == 9
    assert identities(ses) == {"example.com"}


def test_an_upgrade_of_a_domain_that_has_it_makes_no_call(api, added, ses):
    set_verification_status(ses, "example.com", "Success")
    api.get(f"{URL}/{added.pk}?check=true")
    ses.clear_journal()
    assert api.patch(f"{URL}/{added.pk}").json() == {
        "success": True,
        "message": "Domain already has MAIL FROM domain configured",
        "mailFromDomain": "mail.example.com",
        "mailFromDomainStatus": "Success",
    }
    assert calls(ses) == []


def test_an_upgrade_that_ses_does_not_confirm_is_an_error(api, ses, impatient):
    create_foreign_identity("example.com")
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    fail_calls(ses)
    answer = api.patch(f"{URL}/{pk}")
    assert answer.status_code == 500
    assert answer.json()["error"] == "Failed to configure MAIL FROM domain"
    assert answer.json()["details"].startswith("SES configuration failed: ")
