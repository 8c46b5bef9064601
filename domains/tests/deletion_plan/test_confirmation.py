"""DELETE /domains/{id} with `plan` and `dry_run`."""

from __future__ import annotations

import pytest
from django.db import transaction

from addresses.models import BlockedEmail, EmailAddress
from domains.deletion_plan.build import check_token
from domains.models import DnsRecord, Domain, DomainDeletion
from domains.tests.plan_requests import DOMAINS, GONE, assert_refused, delete, plan_of, plan_url
from inbound.models import Scope
from inbound.tests.support.aws import calls, fail_calls, store_mail
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
)
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerIdentity, LedgerRecipient

TABLES = [
    Domain, EmailAddress, BlockedEmail, DnsRecord, DomainDeletion, DomainSync, LedgerEntry, LedgerRecipient,
    LedgerIdentity, InFlightCall,
]  # fmt: skip


@pytest.fixture
def full(domain, user, ses):
    """`example.com` with two addresses, one of them routed, a blocked email, an MX record, and stored mail."""
    endpoint = EndpointFactory(owner=user, name="CRM")
    EmailAddressFactory(domain=domain, address="a@example.com", endpoint=endpoint)
    EmailAddressFactory(domain=domain, address="b@example.com")
    BlockedEmailFactory(domain=domain)
    DnsRecordFactory(
        domain=domain, record_type="MX", name="example.com", value="10 inbound-smtp.eu-west-1.amazonaws.com"
    )
    store_mail(f"{domain.key_prefix}mail-1")
    ses.clear_journal()
    return domain


def everything():
    return [list(model.objects.order_by("pk").values()) for model in TABLES]


def test_a_token_confirms_only_one_deletion(api, full, ses, dns):
    token = plan_of(api, full)["token"]
    assert delete(api, full, plan=token).status_code == 200
    assert DomainDeletion.objects.get().plan_token == token
    ses.clear_journal()
    assert_refused(delete(api, full, plan=token), GONE)
    assert_refused(delete(api, full, plan=token, dry_run="true"), GONE)
    assert calls(ses) == []
    assert delete(api, full).status_code == 404


def test_a_token_does_not_continue_a_running_deletion(api, full, ses, dns, impatient):
    token = plan_of(api, full)["token"]
    fail_calls(ses)
    assert delete(api, full).status_code == 200
    assert_refused(delete(api, full, plan=token), GONE)
    assert delete(api, full).status_code == 200


def test_confirming_a_plan_looks_up_no_credentials_inside_a_transaction(api, full, dns, credential_look_ups):
    """Botocore may ask the host's metadata service for them, which takes long if it does not answer."""
    token = plan_of(api, full)["token"]
    credential_look_ups.clear()
    assert delete(api, full, plan=token).status_code == 200
    assert credential_look_ups
    assert not any(credential_look_ups)


def test_a_token_is_refused_once_credentials_are_missing(api, full, dns, request):
    token = plan_of(api, full)["token"]
    request.getfixturevalue("no_credentials")
    assert_refused(delete(api, full, plan=token))
    with transaction.atomic():
        check_token(full, token)  # not a part of the check under the lock


@pytest.mark.parametrize("query", [{"dry_run": "true"}, {"dry_run": "true", "plan": "TOKEN"}])
def test_a_dry_run_changes_nothing(api, full, ses, dns, query):
    plan = plan_of(api, full)
    query = {name: value.replace("TOKEN", plan["token"]) for name, value in query.items()}
    before = everything()
    answer = delete(api, full, **query)
    assert (answer.status_code, answer.json()) == (200, plan)
    assert (everything(), calls(ses)) == (before, [])


def test_a_dry_run_refuses_an_outdated_token(api, full, dns):
    token = plan_of(api, full)["token"]
    BlockedEmailFactory(domain=full)
    assert_refused(delete(api, full, plan=token, dry_run="true"))


def test_the_token_of_another_domain_does_not_continue_a_running_deletion(api, full, user, ses, dns, impatient):
    other = plan_of(api, DomainFactory(owner=user))["token"]
    fail_calls(ses)
    assert delete(api, full).status_code == 200
    assert_refused(delete(api, full, plan=other), GONE)


def test_a_dry_run_does_not_continue_a_running_deletion(api, full, ses, impatient):
    fail_calls(ses)
    delete(api, full)
    before = everything()
    assert delete(api, full, dry_run="true").status_code == 404
    assert everything() == before


def test_a_dry_run_needs_the_delete_scope_and_a_plan_the_read_scope(client_for, user, full, dns):
    reader, deleter = client_for(user, Scope.READ), client_for(user, Scope.DELETE)
    assert (reader.get(plan_url(full)).status_code, deleter.get(plan_url(full)).status_code) == (200, 403)
    assert delete(reader, full, dry_run="true").status_code == 403
    assert delete(deleter, full, dry_run="true").status_code == 200


SLIPS = [
    "dry_run=1",
    "dry_run=True",
    "dry_run=",
    "dry_run=true&dry_run=false",
    "dryRun=true",
    "dry-run=true",
    "DRY_RUN=true",
    "plan=",
    "plan=nope",
    "Plan=plan_x",
    "planToken=plan_x",
    "plan=plan_x.y.z",
    "plan=%00",
]


@pytest.mark.parametrize("query", SLIPS)
def test_a_mistyped_parameter_deletes_nothing(api, full, ses, query):
    before = everything()
    answer = api.delete(f"{DOMAINS}/{full.pk}?{query}")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert (everything(), calls(ses)) == (before, [])


def test_an_unknown_parameter_deletes_nothing(api, full):
    assert delete(api, full, dry_run="false", verbose="1").status_code == 400
    assert Domain.objects.filter(pk=full.pk, deleting_since=None).exists()


def test_the_token_of_another_domain_is_refused(api, full, user, dns):
    other = plan_of(api, DomainFactory(owner=user))["token"]
    assert_refused(delete(api, full, plan=other))
    mixed = plan_of(api, full)["token"].rpartition(".")[0] + "." + other.rpartition(".")[2]
    assert_refused(delete(api, full, plan=mixed))
    assert delete(api, Domain(pk="nope"), plan=other).status_code == 404


@pytest.mark.parametrize("pk", ["nope", "a%00b", "%20"])
def test_an_unknown_id_is_not_found(api, full, dns, pk):
    token = plan_of(api, full)["token"]
    for answer in (
        api.get(f"{DOMAINS}/{pk}/deletion-plan"),
        api.delete(f"{DOMAINS}/{pk}?dry_run=true"),
        api.delete(f"{DOMAINS}/{pk}?plan={token}"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found"})


@pytest.mark.parametrize("query", [{}, {"dry_run": "false"}])
def test_a_deletion_without_a_token_builds_no_plan(api, full, ses, dns, query):
    assert delete(api, full, **query).status_code == 200
    # Two lists of what is to be erased: before and after.
    asked = [entry["action"] for entry in ses.journal() if entry["service"] == "s3"]
    assert asked == ["ListObjectVersions", "DeleteObjects", "ListObjectVersions"]
    assert dns.asked == []
