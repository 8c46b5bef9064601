"""Retry and `Try now`: they end a period that is over, and leave one alone that lasts."""

from __future__ import annotations

import pytest

from desk.pages.rows import key_of
from desk.state.read import read_state
from domains.grace.end import retry
from domains.models import Domain, DomainDeletion
from inbound.tests.support.admin_site import text, url
from inbound.tests.support.aws import calls, identities
from ses_integration.tests.commands.run import run

WORK = "/admin/work/"

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]


@pytest.fixture
def over(deletion, ends):
    """The deletion, as nobody has ended its period that is over."""
    ends(-1)
    deletion.refresh_from_db()
    return deletion


def assert_finished(ses) -> None:
    assert DomainDeletion.objects.get().finished_at
    assert not Domain.objects.exists()
    assert identities(ses) == set()


def assert_untouched(ses) -> None:
    assert DomainDeletion.objects.get().in_grace
    assert calls(ses) == []


def test_retry_deletion_ends_what_is_over(over, ses):
    code, out = run("retry_deletion")
    assert (code, out) == (0, f"deletion of example.com ({over.pk}): finished.\n")
    assert_finished(ses)


def test_retry_deletion_by_name_ends_what_is_over(over, ses):
    assert run("retry_deletion", "example.com")[0] == 0
    assert_finished(ses)


def test_the_action_of_the_list_ends_what_is_over(over, ses, admin_client):
    data = {"action": "retry", "_selected_action": [over.pk]}
    page = text(admin_client.post(url("domains.domaindeletion", "changelist"), data, follow=True))
    assert "1 finished." in page
    assert_finished(ses)


def test_the_page_of_the_report_has_the_button(over, ses, admin_client):
    path = url("domains.domaindeletion", "retry", over.pk)
    assert path in admin_client.get(url("domains.domaindeletion", "change", over.pk)).content.decode()
    admin_client.post(path)
    assert_finished(ses)


def test_the_work_list_ends_what_is_over(deletion, ends, ses, admin_client):
    ends(-3600)
    [finding] = [one for one in read_state().findings if one.page and one.page[1] == deletion.pk]
    admin_client.post(WORK, {"chosen": [key_of(finding)]})
    assert_finished(ses)


def test_a_period_that_lasts_is_left_alone(deletion, ses, admin_client):
    assert run("retry_deletion") == (0, "No deletion is pending.\n")
    path = url("domains.domaindeletion", "retry", deletion.pk)
    assert path not in admin_client.get(url("domains.domaindeletion", "change", deletion.pk)).content.decode()
    admin_client.post(path)
    data = {"action": "retry", "_selected_action": [deletion.pk]}
    page = text(admin_client.post(url("domains.domaindeletion", "changelist"), data, follow=True))
    assert "there is nothing to retry before it ends." in page
    assert_untouched(ses)


def test_what_somebody_has_restored_meanwhile_is_not_reported_as_finished(api, over, ends):
    ends(60)
    assert api.post(f"/api/v2/deletions/{over.pk}/restore").status_code == 200
    assert retry(over).startswith("example.com was restored already, at ")
    assert Domain.objects.live().exists()
