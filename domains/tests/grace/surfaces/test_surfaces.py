"""Commands, pages of the admin, the desk and the clean-up, while a domain is in its grace period."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.core.management import CommandError
from django.test import Client

from backoffice.deletion.pages import NOT_TYPED
from backoffice.text import moment
from desk.state.read import read_state
from desk.state.values import Kind
from domains.deletion_plan.model import BEGUN, GRACE_ENDED, IN_GRACE
from domains.models import Domain, DomainDeletion
from inbound.tests.support.admin_site import confirm, delete_selected, staff, text, url
from inbound.tests.support.aws import calls, identities, stored_keys
from ses_integration.tests.commands.run import run

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]


class Done(NamedTuple):
    code: int
    out: str


def ran(name: str, *args: str) -> Done:
    return Done(*run(name, *args))


@pytest.fixture
def report(deletion) -> str:
    return url("domains.domaindeletion", "change", deletion.pk)


def messages_of(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_restore_domain_restores_and_says_so(deletion):
    done = ran("restore_domain", "example.com")
    assert (done.code, done.out) == (0, "example.com is restored with everything that it had.\nSES has confirmed it.\n")
    assert Domain.objects.live().exists()
    with pytest.raises(CommandError, match="was restored already"):
        ran("restore_domain", "example.com")


def test_restore_domain_prints_the_api_s_answer(deletion):
    body = json.loads(ran("restore_domain", deletion.pk, "--json").out)
    assert (body["success"], body["domain"]) == (True, "example.com")


def test_grace_period_extends(deletion):
    before = deletion.restorable_until
    done = ran("grace_period", "example.com", "--extend", "5")
    deletion.refresh_from_db()
    assert deletion.restorable_until == before + timedelta(days=5)
    assert done.out.startswith("example.com can be restored until ")
    with pytest.raises(CommandError, match="at most 365 days"):
        ran("grace_period", "example.com", "--extend", "400")


def test_grace_period_ends_after_a_question(deletion, answer, ses):
    answer("n")
    assert "Nothing was done." in ran("grace_period", "example.com", "--end").out
    assert Domain.objects.exists()
    answer("y")
    assert ran("grace_period", "example.com", "--end").code == 0
    assert (identities(ses), stored_keys()) == (set(), [])
    with pytest.raises(CommandError, match=r"is not in a grace period\. State of its deletion: "):
        ran("grace_period", "example.com", "--end", "--yes")


def test_lists_say_until_when_it_can_be_restored(deletion):
    for command in ("list_deletions", "list_domains"):
        assert "restorable until 20" in ran(command).out
    shown = ran("show_deletion", "example.com")
    assert (shown.code, "restorable until 20" in shown.out) == (0, True)


def test_retry_deletion_and_ses_cleanup_leave_it_alone(deletion, full, ses):
    assert "No deletion is pending." in ran("retry_deletion").out
    named = ran("retry_deletion", "example.com")
    assert (named.code, "restorable until" in named.out) == (0, True)
    found = ran("ses_cleanup", "--apply", "--yes")
    assert (found.code, found.out.strip()) == (0, "Nothing is left over, and nothing is pending.")
    assert "DeleteEmailIdentity" not in calls(ses)
    assert full.email_addresses.count() == 2


def test_delete_domain_says_how_to_restore_it(full, answer):
    answer("example.com")
    done = ran("delete_domain", "example.com")
    assert done.code == 0
    assert "For 30 days, until " in done.out
    assert "restore_domain example.com restores it." in done.out
    ended = ran("delete_domain", "example.com", "--permanent")
    assert (ended.code, Domain.objects.exists()) == (0, False)


def test_plan_delete_says_until_when_it_can_be_restored(deletion):
    shown = run("plan_delete", "example.com")[1]
    assert IN_GRACE.format(moment(deletion.restorable_until)) in shown
    assert BEGUN not in shown
    ending = run("plan_delete", "example.com", "--permanent")[1]
    assert GRACE_ENDED.format(moment(deletion.restorable_until)) in ending


def test_the_desk_counts_it_and_finds_nothing(deletion, ends):
    state = read_state()
    assert (state.deletions_restorable, state.deletions_unproved) == (1, 0)
    assert not [one for one in state.findings if one.kind in (Kind.DELETION, Kind.STORED_MAIL, Kind.PROOF)]
    DomainDeletion.objects.update(started_at=deletion.started_at - timedelta(days=20))
    assert not [one for one in read_state().findings if one.kind is Kind.DELETION]


def test_what_should_have_ended_is_a_finding(deletion, ends):
    ends(-3600)
    [finding] = [one for one in read_state().findings if one.kind in (Kind.DELETION, Kind.STORED_MAIL)]
    assert finding.subject == "example.com"
    deletion.refresh_from_db()
    assert finding.since == deletion.restorable_until


def test_what_was_restored_is_no_finding(api, deletion):
    api.post(f"/api/v2/deletions/{deletion.pk}/restore")
    DomainDeletion.objects.update(finished_at=deletion.started_at - timedelta(days=1))
    state = read_state()
    assert (state.deletions_restorable, state.deletions_unproved) == (0, 0)
    assert not [one for one in state.findings if one.kind is Kind.PROOF]


def test_a_report_in_the_admin_has_buttons(deletion, report, admin_client: Client):
    page = text(admin_client.get(report))
    assert "Receives nothing, and can be restored until 20" in page
    assert "Extend by 30 days" in page
    assert "0 email addresses" not in page
    done = admin_client.post(url("domains.domaindeletion", "restore", deletion.pk), follow=True)
    assert "Restored: example.com." in messages_of(done)
    assert Domain.objects.live().exists()
    restored = text(admin_client.get(report))
    assert "Restored at 20" in restored
    assert "Extend by 30 days" not in restored


def test_ending_in_the_admin_asks_first(deletion, ses, admin_client: Client):
    path = url("domains.domaindeletion", "end", deletion.pk)
    assert "deleted for good" in text(admin_client.get(path))
    for typed in ("", "example.org"):
        assert NOT_TYPED in messages_of(admin_client.post(path, {"post": "yes", "typed": typed}))
    assert Domain.objects.exists()
    done = admin_client.post(path, {"post": "yes", "typed": "example.com"}, follow=True)
    assert "Ended: 1 grace period." in messages_of(done)
    assert not Domain.objects.exists()
    again = admin_client.get(path, follow=True)
    assert "Nothing was done: no selected deletion is in its grace period." in messages_of(again)


def test_extending_in_the_admin_says_until_when(deletion, admin_client: Client):
    for _ in range(11):
        done = admin_client.post(url("domains.domaindeletion", "extend", deletion.pk), follow=True)
        assert messages_of(done)[0].startswith("Extended: example.com can be restored until ")
    refused = admin_client.post(url("domains.domaindeletion", "extend", deletion.pk), follow=True)
    assert "at most 365 days" in messages_of(refused)[0]


def test_the_list_of_deletions_can_be_filtered_by_it(deletion, admin_client: Client):
    path = url("domains.domaindeletion", "changelist")
    for state, number in (("restorable", 1), ("pending", 0), ("finished", 0), ("restored", 0)):
        assert admin_client.get(path, {"state": state}).context["cl"].result_count == number


def test_the_list_of_deletions_says_until_when_only_before_it_is_restored(api, deletion, admin_client: Client):
    path, until = url("domains.domaindeletion", "changelist"), f"{deletion.restorable_until:%Y-%m-%d %H:%M:%S}"
    assert until in text(admin_client.get(path))
    api.post(f"/api/v2/deletions/{deletion.pk}/restore")
    assert until not in text(admin_client.get(path))


def test_who_may_only_look_changes_no_period(deletion, client: Client):
    staff(client, "domains.view_domaindeletion")
    for name in ("restore", "extend", "end"):
        assert client.post(url("domains.domaindeletion", name, deletion.pk), {"post": "yes"}).status_code == 403
    assert DomainDeletion.objects.get().in_grace


def test_ending_needs_the_permission_to_delete_domains(deletion, client: Client):
    staff(client, "domains.view_domaindeletion", "domains.change_domaindeletion")
    assert client.post(url("domains.domaindeletion", "end", deletion.pk), {"post": "yes"}).status_code == 403
    assert client.post(url("domains.domaindeletion", "extend", deletion.pk)).status_code == 302


def test_who_may_not_see_the_report_reads_that_it_can_be_restored(full, client: Client):
    staff(client, "domains.view_domain", "domains.delete_domain")
    _, [(_, message)] = confirm(client, url("domains.domain", "delete", full.pk))
    assert "can be restored until 20" in message
    assert "0 email addresses" not in message


def test_a_domain_in_its_period_has_nothing_to_confirm(full, deletion, ses, admin_client: Client):
    done = admin_client.get(url("domains.domain", "delete", full.pk), follow=True)
    assert done.redirect_chain[-1][0].endswith("?tab=deletions")
    assert "The page of its deletion restores it, or ends its grace period." in messages_of(done)[0]
    bulk = {"action": "delete_selected", "_selected_action": [full.pk], "index": "0"}
    page = text(admin_client.post(url("domains.domain", "changelist"), bulk))
    assert "it can be restored; nothing changes now." in page
    assert "is erased, with every version" not in page
    delete_selected(admin_client, "domains.domain", [full])
    assert (calls(ses), DomainDeletion.objects.get().in_grace) == ([], True)
