"""GET /ses/status"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.services import create_address
from domains.deletion.service import delete_domain
from domains.lifecycle.catch_all import set_catch_all
from domains.lifecycle.register import add_domain
from inbound.models import ApiKey
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from workers.models import Worker

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

URL = "/api/v2/ses/status"


def test_without_domains_nothing_is_used(api, ses):
    answer = api.get(URL).json()
    workers = answer.pop("workers")
    assert [(worker["kind"], worker["isAlive"]) for worker in workers] == [("mail_worker", True), ("ses_worker", True)]
    assert answer == {
        "region": "eu-west-1",
        "ruleSet": "inbound-email-rules",
        "rules": {"used": 0, "quota": 200},
        "identities": {"used": 0, "quota": 10000},
        "recipientsPerRule": 500,
        "attention": [],
        "data": [],
        "pagination": {"limit": 50, "offset": 0, "total": 0, "hasMore": False},
    }


def test_each_domain_has_its_rules_and_recipients(api, user, ses):
    domain = add_domain(owner=user, name="example.com").domain
    for local in "ab":
        create_address(domain=domain, address=f"{local}@example.com", endpoint_id=None)
    answer = api.get(URL).json()
    assert (answer["rules"], answer["identities"]) == ({"used": 1, "quota": 200}, {"used": 1, "quota": 10000})
    assert answer["data"] == [
        {
            "id": domain.pk,
            "domain": "example.com",
            "state": "in line",
            "reason": None,
            "nextTry": None,
            "rules": [{"name": "inbound-example.com-rule", "recipients": 2}],
        }
    ]


def test_remains_of_another_incarnation_of_the_name_are_not_counted(api, user, ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    previous = DomainFactory(name="example.com")
    for slot in range(3):
        EmailAddressFactory(domain=previous, address=f"{slot}@example.com", slot=slot)
    settings.SES_REQUEST_BUDGET = 0
    delete_domain(domain=previous, requested_by="me")
    domain = DomainFactory(owner=user, name="example.com")
    (row,) = api.get(URL).json()["data"]
    assert (row["state"], row["rules"]) == ("owed", [])
    EmailAddressFactory(domain=domain, address="0@example.com")
    (row,) = api.get(URL).json()["data"]
    assert row["rules"] == [{"name": "inbound-example.com-rule", "recipients": 1}]


def test_rules_written_with_other_settings_are_counted(api, user, ses, settings):
    addressed, catching = DomainFactory(owner=user, name="a.org"), DomainFactory(owner=user, name="b.org")
    EmailAddressFactory(domain=addressed)
    set_catch_all(domain=catching, enabled=True, endpoint_id=EndpointFactory(owner=user).pk)
    before = api.get(URL).json()["data"]
    settings.S3_BUCKET_NAME = "another"
    assert api.get(URL).json()["data"] == before
    assert [list(row["rules"]) for row in before] == [
        [{"name": "inbound-a.org-rule", "recipients": 1}],
        [{"name": "inbound-b.org-catchall-rule", "recipients": 1}],
    ]


def test_a_refusal_by_ses_is_shown_with_the_next_try(api, user, ses):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
    add_domain(owner=user, name="example.com")
    (row,) = api.get(URL).json()["data"]
    assert (row["state"], row["reason"]) == (
        "needs attention",
        "AWS does not allow ses:CreateEmailIdentity; the credentials lack a permission.",
    )
    assert row["nextTry"].endswith("Z")


def test_quotas_are_shared_and_domains_are_the_callers(api, user, ses):
    add_domain(owner=UserFactory(), name="example.org")
    answer = api.get(URL).json()
    assert (answer["identities"]["used"], answer["data"]) == (1, [])


def test_no_call_is_made_and_statements_do_not_grow_with_the_domains(api, user, ses):
    api.get(URL)  # records the use of the key and creates the row of the scope
    statements = []
    for size in (1, 20):
        for _ in range(size):
            DomainFactory(owner=user)
        ses.clear_journal()
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"{URL}?limit=100").status_code == 200
        assert calls(ses) == []
        statements.append(len(captured))
    assert statements[0] == statements[1] <= 42


def test_the_status_needs_a_key(client, ses):
    assert client.get(URL).status_code == 401
    assert not ApiKey.objects.exists()


def test_what_waits_is_told_with_its_reason_and_only_to_its_owner(api, user, ses):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied", "times": None})
    add_domain(owner=user, name="example.com")
    add_domain(owner=UserFactory(), name="example.org")
    [found] = api.get(URL).json()["attention"]
    assert (found["kind"], found["level"], found["subject"], found["domain"]) == (
        "ses_change",
        "needs_you",
        "example.com",
        "example.com",
    )
    assert (found["what"], found["tries"]) == ("1 change behind", 1)
    assert "lack a permission" in found["reason"]
    assert found["nextTry"].endswith("Z")


def test_a_worker_that_does_not_run_is_told_to_everybody_without_its_host(api, ses):
    Worker.objects.filter(kind="ses_worker").update(last_round_at=timezone.now() - timedelta(minutes=4))
    answer = api.get(URL).json()
    assert [(one["kind"], one["subject"]) for one in answer["attention"]] == [("worker", "ses_worker")]
    assert answer["attention"][0]["what"].startswith("no ses_worker has run since ")
    assert "web01" not in str(answer)
