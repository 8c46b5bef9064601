"""DELETE /domains/{id}"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addresses.models import BlockedEmail, EmailAddress
from domains.cleanup.find import is_unowned
from domains.models import DnsRecord, Domain, DomainDeletion
from inbound.models import Scope
from inbound.tests.support.aws import (
    calls,
    create_foreign_identity,
    fail_calls,
    identities,
    recover_and_run_worker,
    rules,
    store_mail,
    stored_keys,
)
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from ses_integration.models import DomainSync, LedgerEntry

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

URL = "/api/v2/domains"
CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."
ERASING = "Stored mail is still to be erased. This continues in the background."
KEPT = "The SES identity was not created by this installation, so it is kept."


@pytest.fixture
def full(domain, ses):
    """`example.com` with two addresses, a blocked email, two records, and stored mail."""
    for local in "ab":
        EmailAddressFactory(domain=domain, address=f"{local}@example.com")
    BlockedEmailFactory(domain=domain)
    for _ in range(2):
        DnsRecordFactory(domain=domain)
    store_mail(f"{domain.key_prefix}mail-1")
    ses.clear_journal()
    return domain


def no_rows_are_left():
    return not any(model.objects.exists() for model in (Domain, EmailAddress, BlockedEmail, DnsRecord))


def test_a_domain_is_deleted_with_everything_it_has(api, full, ses):
    answer = api.delete(f"{URL}/{full.pk}")
    assert answer.status_code == 200
    body = answer.json()
    record = DomainDeletion.objects.get()
    assert body == {
        "success": True,
        "message": "Successfully deleted domain example.com and all associated resources",
        "deletedResources": {
            "domain": "example.com",
            "emailAddresses": 2,
            "dnsRecords": 2,
            "blockedEmails": 1,
            "sesIdentity": True,
            "sesReceiptRules": True,
        },
        "deletionId": record.pk,
    }
    assert calls(ses) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert (rules(ses), identities(ses), stored_keys()) == ({}, set(), [])
    assert no_rows_are_left()
    assert (record.name, record.erased_versions) == ("example.com", 1)
    assert record.finished_at
    assert not LedgerEntry.objects.exists()


def test_a_second_delete_is_not_found(api, full, ses):
    api.delete(f"{URL}/{full.pk}")
    ses.clear_journal()
    for method in (api.delete, api.get):
        answer = method(f"{URL}/{full.pk}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found"})
    assert calls(ses) == []


def test_a_catch_all_rule_is_deleted(api, full, user, ses):
    endpoint = EndpointFactory(owner=user)
    api.put(f"{URL}/{full.pk}", {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk})
    ses.clear_journal()
    assert api.delete(f"{URL}/{full.pk}").json()["deletedResources"]["sesReceiptRules"] is True
    assert calls(ses) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert rules(ses) == {}


def test_a_domain_without_rules_needs_one_call(api, domain, ses):
    body = api.delete(f"{URL}/{domain.pk}").json()
    assert (body["deletedResources"]["sesIdentity"], body["deletedResources"]["sesReceiptRules"]) == (True, True)
    assert calls(ses) == ["DeleteEmailIdentity"]


def test_resources_that_are_already_gone_from_ses_count_as_deleted(api, full, ses):
    """An administrator has removed them by hand."""
    ses.reset()
    body = api.delete(f"{URL}/{full.pk}").json()
    assert (body["deletedResources"]["sesIdentity"], body["deletedResources"]["sesReceiptRules"]) == (True, True)


def test_other_domains_are_unchanged(api, full, user, ses):
    for owner, name in ((user, "example.org"), (user, "sub.example.com"), (UserFactory(), "other.org")):
        EmailAddressFactory(domain=DomainFactory(owner=owner, name=name), address=f"a@{name}")
    store_mail("emails/sub.example.com/1/mail")
    api.delete(f"{URL}/{full.pk}")
    assert set(rules(ses)) == {"inbound-example.org-rule", "inbound-sub.example.com-rule", "inbound-other.org-rule"}
    assert identities(ses) == {"example.org", "sub.example.com", "other.org"}
    assert EmailAddress.objects.count() == 3
    assert stored_keys() == ["emails/sub.example.com/1/mail"]


@pytest.mark.parametrize("fault", ["throttle", "access_denied", "fail", "lost", "dropped"])
def test_rows_are_deleted_even_if_ses_fails(api, full, ses, impatient, fault):
    fail_calls(ses, fault=fault)
    answer = api.delete(f"{URL}/{full.pk}")
    assert answer.status_code == 200
    body = answer.json()
    assert body["deletedResources"] == {
        "domain": "example.com",
        "emailAddresses": 2,
        "dnsRecords": 2,
        "blockedEmails": 1,
        "sesIdentity": False,
        "sesReceiptRules": False,
    }
    # The reason stands in between, if there was time to store it.
    assert body["warning"].startswith("SES clean-up is not finished. ")
    assert body["warning"].endswith(f"{CHANGE_PENDING} {ERASING}")
    assert no_rows_are_left()
    recover_and_run_worker(ses)
    assert (rules(ses), identities(ses), stored_keys()) == ({}, set(), [])
    assert DomainDeletion.objects.get().finished_at
    assert api.delete(f"{URL}/{full.pk}").status_code == 404


def test_a_second_delete_continues_an_unfinished_deletion_and_reports_it(
    api, client_for, full, ses, impatient, settings
):
    fail_calls(ses)
    first = api.delete(f"{URL}/{full.pk}").json()
    assert client_for(UserFactory()).delete(f"{URL}/{full.pk}").status_code == 404
    assert api.get(f"{URL}/{full.pk}").status_code == 404
    again = api.delete(f"{URL}/{full.pk}").json()
    report = again.pop("report")
    # It contains the reason if there was time to store it.
    assert again.pop("warning").endswith(f"{CHANGE_PENDING} {ERASING}")
    assert again == {key: value for key, value in first.items() if key != "warning"}
    assert report["owed"] == ["receiptRules", "identity", "storedMail"]
    shown = api.get(f"/api/v2/deletions/{first['deletionId']}").json()
    del shown["dns"]
    assert report == shown
    ses.clear_faults()
    ses.add_faults({"service": "s3", "fault": "access_denied", "times": None})
    DomainSync.objects.update(retry_at=None)
    settings.SES_REQUEST_BUDGET = 60
    second = api.delete(f"{URL}/{full.pk}")
    assert second.status_code == 200
    assert second.json()["deletedResources"] == first["deletedResources"] | {
        "sesIdentity": True,
        "sesReceiptRules": True,
    }
    assert second.json()["deletionId"] == first["deletionId"]
    assert second.json()["warning"].startswith(ERASING)
    assert second.json()["report"]["owed"] == ["storedMail"]
    recover_and_run_worker(ses)
    assert stored_keys() == []
    assert api.delete(f"{URL}/{full.pk}").status_code == 404


def test_rules_and_identity_are_reported_independently(api, full, ses, impatient):
    ses.add_faults({"service": "sesv2", "action": "DeleteEmailIdentity", "fault": "throttle", "times": None})
    resources = api.delete(f"{URL}/{full.pk}").json()["deletedResources"]
    assert (resources["sesReceiptRules"], resources["sesIdentity"]) == (True, False)
    assert (rules(ses), identities(ses)) == ({}, {"example.com"})


def test_a_foreign_identity_is_kept(api, ses):
    create_foreign_identity("example.com")
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    ses.clear_journal()
    body = api.delete(f"{URL}/{pk}").json()
    assert (body["deletedResources"]["sesIdentity"], body["warning"]) == (False, KEPT)
    assert body["deletedResources"]["sesReceiptRules"] is True
    assert "DeleteEmailIdentity" not in calls(ses)
    assert identities(ses) == {"example.com"}
    # Nothing is pending.
    assert DomainDeletion.objects.get().finished_at
    assert api.delete(f"{URL}/{pk}").status_code == 404


@pytest.mark.parametrize("missing", ["region", "credentials"])
def test_without_aws_configuration_nothing_is_confirmed(api, full, ses, settings, request, impatient, missing):
    request.getfixturevalue(f"no_{missing}")
    body = api.delete(f"{URL}/{full.pk}").json()
    resources = body["deletedResources"]
    assert (resources["sesReceiptRules"], resources["sesIdentity"]) == (False, False)
    assert CHANGE_PENDING in body["warning"]
    assert calls(ses) == []
    assert no_rows_are_left()


def test_rules_are_deleted_without_a_bucket(api, full, ses, settings):
    settings.S3_BUCKET_NAME = ""
    body = api.delete(f"{URL}/{full.pk}").json()
    assert body["deletedResources"]["sesReceiptRules"] is True
    assert body["warning"] == f"{ERASING} S3_BUCKET_NAME is missing."
    assert rules(ses) == {}


def test_calls_and_statements_do_not_grow_with_the_domain(api, user, ses):
    api.get(URL)  # records the use of the key
    statements = []
    for size in (2, 100):
        domain = DomainFactory(owner=user)
        bulk = [EmailAddress(domain=domain, address=f"bulk{n}@{domain.name}", slot=n) for n in range(1, size)]
        EmailAddress.objects.bulk_create(bulk)
        EmailAddressFactory(domain=domain)
        ses.clear_journal()
        with CaptureQueriesContext(connection) as captured:
            assert api.delete(f"{URL}/{domain.pk}").json()["deletedResources"]["emailAddresses"] == size
        assert calls(ses) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
        statements.append([query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]])
    assert len(statements[1]) <= len(statements[0]) < 60


ODD_IDS = ["nope", "a%00b", "%20", "a" * 5000]


def test_an_unknown_id_is_not_found(api, domain, ses, subtests):
    for pk in ODD_IDS:
        with subtests.test(pk=pk):
            answer = api.delete(f"{URL}/{pk}")
            assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found"})
            assert calls(ses) == []


def test_deleting_needs_the_delete_scope(client_for, user, domain):
    answer = client_for(user, Scope.READ, Scope.WRITE).delete(f"{URL}/{domain.pk}")
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'delete' scope."})
    assert Domain.objects.exists()


def test_stored_mail_is_kept_if_the_setting_says_so(api, full, ses, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    body = api.delete(f"{URL}/{full.pk}").json()
    where = f"s3://inbound-mail/{full.key_prefix}"
    assert body["warning"] == f"KEEP_MAIL_ON_DOMAIN_DELETE is on, so stored mail is kept: {where}"
    assert stored_keys() == [f"{full.key_prefix}mail-1"]
    assert not [entry for entry in ses.journal() if entry["service"] == "s3" and entry["action"] != "ListObjectsV2"]
    record = DomainDeletion.objects.get()
    assert (record.stored_mail, record.look_again_at) == ("kept", None)
    assert not is_unowned(full.key_prefix)
    assert record.finished_at
    assert api.delete(f"{URL}/{full.pk}").status_code == 404


def test_rules_of_a_previous_rule_set_are_not_reported_as_deleted(api, full, ses, settings):
    """SES_RULE_SET was changed, and each rule set has its own ledger."""
    settings.SES_RULE_SET = "new-rules"
    body = api.delete(f"{URL}/{full.pk}").json()
    assert body["deletedResources"]["sesReceiptRules"] is False
    assert "A previously configured region or rule set may still receive mail for this name" in body["warning"]
    assert no_rows_are_left()
