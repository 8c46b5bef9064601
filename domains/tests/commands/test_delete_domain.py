"""The command delete_domain."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError

from domains.deletion.service import delete_domain
from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import identities, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite


@pytest.fixture
def domain(ses, user) -> Domain:
    domain = DomainFactory(owner=user, name="xn--bcher-kva.example")
    EmailAddressFactory(domain=domain, address="a@xn--bcher-kva.example")
    return domain


def token_of(name: str) -> str:
    return str(json.loads(run("plan_delete", name, "--json")[1])["token"])


def test_the_plan_is_shown_and_the_domain_deleted_when_its_name_is_typed(ses, domain, answer):
    answer("Bücher.example")
    code, text = run("delete_domain", "bücher.example")
    record = DomainDeletion.objects.get()
    assert code == 0
    assert text.startswith("Plan for deleting xn--bcher-kva.example. Nothing has been changed.\n")
    assert text.endswith(
        "xn--bcher-kva.example is deleted from the database, with 0 blocked emails, 1 email address, 0 DNS records.\n"
        "SES has confirmed the deletion. A worker verifies it.\n"
        f"show_deletion {record.pk} shows the report.\n"
    )
    assert not Domain.objects.exists()
    assert (rules(ses), identities(ses)) == ({}, set())


@pytest.mark.parametrize("typed", ["y", "yes", "", "example.com"])
def test_any_other_answer_deletes_nothing(domain, answer, typed):
    answer(typed)
    code, text = run("delete_domain", domain.name)
    assert (code, text.endswith("\nNothing was done.\n")) == (0, True)
    assert Domain.objects.live().exists()


def test_without_a_terminal_a_token_is_needed(domain, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO(f"{domain.name}\n"))
    with pytest.raises(
        CommandError, match=r"There is nobody to ask\. Give --plan TOKEN, with the token from `plan_delete"
    ):
        run("delete_domain", domain.name)
    assert Domain.objects.live().exists()


def test_a_token_deletes_what_its_plan_says(domain):
    code, text = run("delete_domain", domain.name, "--plan", token_of(domain.name), "--json")
    record = DomainDeletion.objects.get()
    told = json.loads(text)
    assert code == 0
    assert (told["success"], told["deletionId"], told["deletedResources"]["emailAddresses"]) == (True, record.pk, 1)
    assert record.plan_token


def test_a_token_of_a_changed_plan_deletes_nothing(domain):
    token = token_of(domain.name)
    EmailAddressFactory(domain=domain, address="b@xn--bcher-kva.example")
    with pytest.raises(CommandError, match=r"The plan has changed since this token was made\..* Nothing was deleted\."):
        run("delete_domain", domain.name, "--plan", token)
    with pytest.raises(CommandError, match="is not the token of a deletion plan"):
        run("delete_domain", domain.name, "--plan", "x")
    assert Domain.objects.live().exists()


def test_a_deletion_that_has_begun_is_continued(ses, domain, settings):
    ses.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied"})
    record = delete_domain(domain=domain, requested_by="jo")
    assert record.finished_at is None
    with pytest.raises(CommandError, match="A plan's token is good for one deletion"):
        run("delete_domain", domain.name, "--plan", record.plan_token or f"plan_{'.'.join(['x' * 22] * 3)}")
    run("ses_sync")
    code, text = run("delete_domain", domain.name)
    assert (code, "SES has confirmed the deletion." in text) == (0, True)
    assert DomainDeletion.objects.get().finished_at


def test_what_is_pending_is_exit_code_2_with_the_reason(ses, domain, settings):
    settings.SES_REQUEST_BUDGET = 0.5
    token = token_of(domain.name)
    ses.add_faults({"service": "*", "action": "Delete*", "fault": "access_denied", "times": None})
    ses.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied", "times": None})
    code, text = run("delete_domain", domain.name, "--plan", token)
    assert code == 2
    assert "SES clean-up is not finished." in text


def test_a_name_that_is_gone_or_unknown_is_an_error(domain):
    delete_domain(domain=domain, requested_by="jo")
    with pytest.raises(CommandError, match=r"has been deleted: see show_deletion xn--bcher-kva\.example\."):
        run("delete_domain", domain.name)
    with pytest.raises(CommandError, match=r"There is no domain 'typo\.org'"):
        run("delete_domain", "typo.org")
