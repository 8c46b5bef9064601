from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.actions import Action
from audit.models import Change
from audit.origin import Door, Origin, acting
from audit.record import Entry, record, record_names
from backoffice import lists
from inbound.tests.support.admin_site import text, url
from inbound.tests.support.factories import DomainFactory, UserFactory

LIST = "/admin/audit/change/"


@pytest.fixture
def operator(transactional_db: None) -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def domain(user):
    return DomainFactory(owner=user, name="example.com")


@pytest.fixture
def change(domain) -> Change:
    origin = Origin(Door.API, who="alice", key="inb_1a2b CI", remote="192.0.2.1", request_id="r1")
    with acting(origin):
        before = {"isActive": True, "reason": "<b>", "config": {"url": "https://a.example", "timeout": 5}}
        record(
            Entry.of(
                Action.CHANGED,
                domain,
                domain.owner_id,
                before=before,
                after=before
                | {"isActive": False, "reason": "<i>", "config": {"url": "https://b.example", "timeout": 5}},
            )
        )
    return Change.objects.latest("pk")


def test_the_list_says_who_changed_what(operator, change):
    response = operator.get(LIST)
    page = text(response)
    for shown in ("example.com", "changed", "is active: yes → no", "alice, key inb_1a2b CI", "domain"):
        assert shown in page
    assert b"reason: &lt;b&gt; \xe2\x86\x92 &lt;i&gt;" in response.content


def test_the_page_of_a_change_compares_both_values(operator, change):
    page = text(operator.get(url("audit.change", "change", change.pk)))
    for shown in (
        "192.0.2.1",
        "r1",
        "is active",
        "yes",
        "no",
        "config url",
        "https://b.example",
        "alice, key inb_1a2b CI",
    ):
        assert shown in page
    # It is the same on both sides.
    assert "config timeout" not in page


def test_nobody_can_edit_the_log(operator, change):
    assert operator.get(f"{LIST}add/").status_code == 403
    assert operator.post(url("audit.change", "change", change.pk), {"who": "x"}).status_code == 403
    assert operator.post(url("audit.change", "delete", change.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "query", ["object=domain", "what=changed", "door__exact=api", "q=EXAMPLE.com", "q=r1", "q=inb_1a2b", "q=192.0.2.1"]
)
def test_the_list_is_searched_and_filtered(operator, change, query):
    record_names(Action.SET_UP, "ses_integration.rulesetstate", ["other"])
    page = text(operator.get(f"{LIST}?{query}"))
    assert "example.com" in page
    assert "other" not in page.partition("result_list")[2].partition("</table>")[0]


def test_a_whole_name_is_found_among_all_and_a_part_among_the_newest(operator, change, monkeypatch):
    monkeypatch.setattr(lists, "SEARCHED", 1)
    record_names(Action.SET_UP, "ses_integration.rulesetstate", ["other"])
    for whole in ("EXAMPLE.com", change.object_id, "alice", "r1"):
        assert operator.get(LIST, {"q": whole}).context["cl"].result_list[0] == change
    assert operator.get(LIST, {"q": "exampl"}).context["cl"].result_count == 0
    assert operator.get(LIST, {"q": "exampl", "object": "domain"}).context["cl"].result_count == 1


def test_the_page_of_every_object_leads_to_its_changes(operator, user, change, domain):
    endpoint = operator.get(url("auth.user", "change", user.pk))
    assert '"historylink">Changes</a>' in text(endpoint)
    found = operator.get(url("auth.user", "history", user.pk), follow=True)
    assert found.redirect_chain == [(f"{LIST}?object_type=auth.user&object_id={user.pk}", 302)]
    assert "added" in text(found)
    found = operator.get(url("domains.domain", "history", domain.pk), follow=True)
    assert found.redirect_chain == [(f"{LIST}?object_name=example.com", 302)]
    assert "changed" in text(found)


def test_the_link_needs_the_permission_to_see_changes(user, domain):
    staff = UserFactory(is_staff=True)
    client = Client()
    client.force_login(staff)
    assert client.get(LIST).status_code == 403


def test_a_row_without_a_page_is_not_a_link(operator):
    record_names(Action.ERASED, "s3.folder", ["emails/example.org/1/"], versions=3)
    page = text(operator.get(LIST))
    assert "emails/example.org/1/ erased" in page
    assert "versions: 3" in page


def test_the_list_takes_the_same_statements_for_more_entries(operator, domain):
    def pages() -> int:
        with CaptureQueriesContext(connection) as captured:
            operator.get(LIST)
        return len(captured)

    few = pages()
    for _ in range(30):
        record(Entry.of(Action.CHANGED, domain, domain.owner_id, after={"a": 1}))
    assert pages() == few
