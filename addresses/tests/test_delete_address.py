"""The command delete_address."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from addresses.models import EmailAddress
from inbound.tests.support.aws import rules
from inbound.tests.support.factories import EmailAddressFactory
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite
ADDRESS = "hello@example.com"


@pytest.fixture
def address(ses, domain) -> EmailAddress:
    return EmailAddressFactory(domain=domain, address=ADDRESS)


def test_the_plan_is_shown_and_the_address_deleted_when_it_is_typed(ses, address, answer):
    answer("Hello@Example.com")
    code, text = run("delete_address", ADDRESS)
    assert code == 0
    assert text.startswith(f"Plan for deleting {ADDRESS}. Nothing has been changed.\n")
    assert text.endswith(f"\n{ADDRESS} is deleted. SES has confirmed it.\n")
    assert rules(ses) == {}


@pytest.mark.parametrize("typed", ["y", "", "example.com", "other@example.com"])
def test_any_other_answer_deletes_nothing(address, answer, typed):
    answer(typed)
    code, text = run("delete_address", ADDRESS)
    assert (code, text.endswith("\nNothing was done.\n")) == (0, True)
    assert EmailAddress.objects.exists()


def test_a_token_deletes_and_json_is_the_answer_of_the_api(address):
    token = json.loads(run("plan_delete", ADDRESS, "--json")[1])["token"]
    code, text = run("delete_address", ADDRESS, "--plan", token, "--json")
    assert (code, json.loads(text)["cleanup"]["sesRuleUpdated"]) == (0, True)
    with pytest.raises(CommandError, match=f"There is no email address '{ADDRESS}'"):
        run("delete_address", ADDRESS, "--plan", token)


def test_what_ses_has_not_confirmed_is_exit_code_2(ses, address, answer):
    ses.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied", "times": None})
    answer(ADDRESS)
    code, text = run("delete_address", ADDRESS)
    assert code == 2
    assert f"{ADDRESS} is deleted. SES rule deletion failed: " in text


@pytest.mark.parametrize("typed", ["example.com", "a@b@", ""])
def test_what_is_no_address_is_refused(address, typed):
    with pytest.raises(CommandError, match="is not a"):
        run("delete_address", typed)
