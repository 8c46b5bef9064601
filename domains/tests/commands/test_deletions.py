"""The commands list_deletions, show_deletion and retry_deletion."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from domains.deletion.service import delete_domain
from domains.models import DomainDeletion
from inbound.tests.support.factories import DnsRecordFactory, DomainFactory, EmailAddressFactory
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite


@pytest.fixture
def finished(ses, user) -> DomainDeletion:
    domain = DomainFactory(owner=user, name="done.example")
    DnsRecordFactory(
        domain=domain, record_type="MX", name="done.example", value="10 inbound-smtp.eu-west-1.amazonaws.com"
    )
    return delete_domain(domain=domain, requested_by="jo")


@pytest.fixture
def pending(finished, ses, user, settings) -> DomainDeletion:
    domain = DomainFactory(owner=user, name="stuck.example")
    EmailAddressFactory(domain=domain, address="a@stuck.example")
    ses.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied"})
    return delete_domain(domain=domain, requested_by="jo")


def test_all_are_listed_with_what_is_pending(finished, pending):
    code, text = run("list_deletions")
    lines = text.splitlines()
    assert code == 0
    assert lines[0].split() == ["DOMAIN", "BEGAN", "BY", "STATE", "ID"]
    assert lines[2].startswith("stuck.example  ")
    assert "pending: rules, stored mail" in lines[2]
    assert (finished.pk in lines[3], "  finished  " in lines[3]) == (True, True)


def test_pending_domain_and_limit_narrow_the_list(finished, pending):
    assert finished.pk not in run("list_deletions", "--pending")[1]
    assert pending.pk not in run("list_deletions", "--domain", "Done.example")[1]
    text = run("list_deletions", "--limit", "1")[1]
    assert (finished.pk in text, text.endswith("\n1 older deletion not shown: give --limit.\n")) == (False, True)
    assert run("list_deletions", "--domain", "other.example") == (0, "There is no such deletion.\n")


def test_json_has_the_reports_of_the_api(finished, pending, api):
    code, text = run("list_deletions", "--json")
    told = json.loads(text)
    assert (code, told["total"]) == (0, 2)
    assert told["deletions"] == api.get("/api/v2/deletions").json()["data"]


def test_one_is_shown_by_name_or_id(finished, pending):
    for text in ("Done.Example.", finished.pk):
        code, shown = run("show_deletion", text)
        assert code == 0
        assert shown.startswith(f"Deletion of done.example ({finished.pk}), begun ")
        assert " by jo: finished.\n" in shown
        assert "\nVerification of absence: " in shown
    code, shown = run("show_deletion", "stuck.example")
    assert code == 2
    assert "AWS does not allow ses:DeleteReceiptRule" in shown


def test_json_of_one_is_the_answer_of_the_api(finished, api):
    code, text = run("show_deletion", "done.example", "--json")
    assert (code, json.loads(text)) == (0, api.get(f"/api/v2/deletions/{finished.pk}").json())


def test_an_unknown_one_is_an_error(finished):
    with pytest.raises(CommandError, match=r"There is no deletion of 'typo\.example'\. list_deletions shows all\."):
        run("show_deletion", "typo.example")


def test_a_retry_finishes_it_now(pending):
    code, text = run("retry_deletion", "stuck.example")
    assert (code, text) == (0, f"deletion of stuck.example ({pending.pk}): finished.\n")
    assert run("retry_deletion", pending.pk) == (0, f"deletion of stuck.example ({pending.pk}): finished before.\n")
    assert run("retry_deletion") == (0, "No deletion is pending.\n")


def test_json_of_a_retry_has_the_reports_of_the_api(pending, api, capsys):
    call_command("retry_deletion", "stuck.example", "--json")
    said = capsys.readouterr()
    answer = api.get(f"/api/v2/deletions/{pending.pk}").json()
    del answer["dns"]
    assert json.loads(said.out) == {"deletions": [answer]}
    assert said.err == f"deletion of stuck.example ({pending.pk}): finished.\n"
    call_command("retry_deletion", "--json")
    assert json.loads(capsys.readouterr().out) == {"deletions": []}


def test_what_is_still_pending_after_a_retry_is_exit_code_2(pending, ses):
    ses.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "access_denied", "times": None})
    code, text = run("retry_deletion")
    assert (code, "Still pending: rules, stored mail." in text) == (2, True)
