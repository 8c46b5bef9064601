"""DELETE /email-addresses/{id} with `plan` and `dry_run`."""

from __future__ import annotations

import pytest
from django.db import transaction

from addresses.deletion_plan import check_token
from addresses.models import EmailAddress
from domains.models import Domain
from domains.tests.plan_requests import ADDRESSES, GONE, assert_refused, delete, plan_of
from inbound.models import Scope
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory, UserFactory
from ses_integration.models import InFlightCall, LedgerEntry


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


def test_a_token_confirms_only_one_deletion(api, client_for, address, ses):
    token = plan_of(api, address)["token"]
    assert delete(client_for(UserFactory()), address, plan=token).status_code == 404
    assert delete(api, address, plan=token).status_code == 200
    ses.clear_journal()
    assert_refused(delete(api, address, plan=token), GONE)
    assert_refused(delete(api, address, plan=token, dry_run="true"), GONE)
    assert delete(client_for(UserFactory()), address, plan=token).status_code == 404
    assert delete(api, address).status_code == 404
    assert calls(ses) == []


def test_confirming_a_plan_looks_up_no_credentials_inside_a_transaction(api, address, credential_look_ups):
    token = plan_of(api, address)["token"]
    credential_look_ups.clear()
    assert delete(api, address, plan=token).status_code == 200
    assert credential_look_ups
    assert not any(credential_look_ups)


def test_a_token_is_refused_once_the_bucket_is_missing(api, address, settings):
    token = plan_of(api, address)["token"]
    settings.S3_BUCKET_NAME = ""
    assert_refused(delete(api, address, plan=token))
    with transaction.atomic():
        check_token(address, token)  # not a part of the check under the lock


def test_an_outdated_token_is_a_conflict(api, address, domain):
    token = plan_of(api, address)["token"]
    other = plan_of(api, EmailAddressFactory(domain=domain))["token"]
    for answer in (
        delete(api, address, plan=token),
        delete(api, address, plan=token, dry_run="true"),
        delete(api, address, plan=other),
    ):
        assert_refused(answer)
    assert EmailAddress.objects.count() == 3


def test_a_dry_run_changes_nothing(api, address, ses):
    plan = plan_of(api, address)
    tables = [EmailAddress, Domain, LedgerEntry, InFlightCall]
    before = [list(model.objects.order_by("pk").values()) for model in tables]
    for query in ({"dry_run": "true"}, {"dry_run": "true", "plan": plan["token"]}):
        answer = delete(api, address, **query)
        assert (answer.status_code, answer.json()) == (200, plan)
    assert [list(model.objects.order_by("pk").values()) for model in tables] == before
    assert ses.journal() == []


@pytest.mark.parametrize("query", ["dry_run=1", "dry_run=", "dryRun=true", "plan=", "plan=nope"])
def test_a_mistyped_parameter_deletes_nothing(api, address, query):
    answer = api.delete(f"{ADDRESSES}/{address.pk}?{query}")
    assert answer.status_code == 400
    assert EmailAddress.objects.count() == 2


def test_scopes_and_owners_are_checked(api, client_for, user, address):
    path = f"{ADDRESSES}/{address.pk}/deletion-plan"
    reader, deleter, other = client_for(user, Scope.READ), client_for(user, Scope.DELETE), client_for(UserFactory())
    assert [client.get(path).status_code for client in (reader, deleter, other)] == [200, 403, 404]
    assert [delete(client, address, dry_run="true").status_code for client in (reader, deleter, other)] == [
        403,
        200,
        404,
    ]
