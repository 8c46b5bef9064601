from __future__ import annotations

import pytest

from audit.actions import Action
from audit.models import Change
from audit.origin import Door, Origin, acting
from audit.record import Entry, record
from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = pytest.mark.sqlite
URL = "/api/v2/audit-log"


@pytest.fixture
def domain(user) -> Domain:
    return DomainFactory(owner=user, name="example.com")


def note(domain: Domain, action: Action = Action.CHANGED, origin: Origin | None = None) -> Change:
    with acting(origin or Origin(Door.WORKER, via="check domains")):
        record(Entry.of(action, domain, domain.owner_id, before={"status": "pending"}, after={"status": "verified"}))
    return Change.objects.latest("pk")


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


def test_an_entry_says_who_changed_what(api, user, domain):
    origin = Origin(Door.API, who=user.username, key="inb_1a2b CI", remote="192.0.2.1", request_id="r1")
    change = note(domain, origin=origin)
    answer = api.get(URL, {"objectType": "domain"}).json()
    [row] = answer["data"]
    assert row.pop("at").endswith("Z")
    assert row == {
        "id": str(change.pk),
        "action": "changed",
        "objectType": "domain",
        "objectId": domain.pk,
        "objectName": "example.com",
        "door": "api",
        "who": user.username,
        "key": "inb_1a2b CI",
        "remoteAddress": "192.0.2.1",
        "requestId": "r1",
        "via": None,
        "before": {"status": "pending"},
        "after": {"status": "verified"},
    }
    assert answer["pagination"] == {"limit": 50, "offset": 0, "total": 1, "hasMore": False}


def test_the_machines_of_operators_are_not_shown(api, domain):
    note(domain, origin=Origin(Door.ADMIN, who="op", remote="192.0.2.9", request_id="r2"))
    note(domain, origin=Origin(Door.COMMAND, who="root", via="ses_sync"))
    command, admin = api.get(URL, {"objectType": "domain"}).json()["data"]
    assert (admin["who"], admin["remoteAddress"], admin["requestId"]) == ("op", None, None)
    assert (command["who"], command["via"]) == (None, "ses_sync")


def test_another_user_who_ends_a_claim_is_not_named(api, domain):
    note(
        domain,
        Action.DELETED,
        Origin(Door.API, who="somebody else", key="inb_9z8y x", remote="192.0.2.7", request_id="r"),
    )
    [row] = api.get(URL, {"objectType": "domain"}).json()["data"]
    assert [row[name] for name in ("who", "key", "remoteAddress", "requestId")] == [None] * 4
    assert row["door"] == "api"


def test_entries_about_others_are_not_shown(api, domain):
    note(DomainFactory(owner=UserFactory(), name="example.org"))
    assert api.get(URL, {"objectName": "example.org"}).json()["pagination"]["total"] == 0


def test_a_key_needs_the_scope_read(user, client_for):
    assert client_for(user, Scope.WRITE).get(URL).status_code == 403
    assert client_for(user, Scope.READ).get(URL).status_code == 200


def test_each_filter_chooses(api, user, domain):
    other = DomainFactory(owner=user, name="example.org")
    first, second = note(domain), note(other, Action.ADDED, Origin(Door.API, who="alice"))
    both = {"objectType": "domain"}
    assert ids(api.get(URL, both)) == [str(second.pk), str(first.pk)]
    at = Change.objects.get(pk=second.pk).at.isoformat()
    for query, found in (
        ({"objectId": other.pk}, [second]),
        ({"objectName": "example.com"}, [first]),
        ({"action": "added"}, [second]),
        ({"door": "worker"}, [first]),
        ({"from": at}, [second]),
        ({"to": at}, [first]),
        ({"to": "2026-01-01"}, []),
        ({"before": str(second.pk)}, [first]),
        ({"objectType": "emailAddress"}, []),
        ({"objectId": "a\0b"}, []),
        ({"from": "", "to": "", "before": "", "action": ""}, [second, first]),
    ):
        assert ids(api.get(URL, both | query)) == [str(change.pk) for change in found], query


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("objectType", ["domains", "Domain", "\0"]),
        ("action", ["add"]),
        ("door", ["window", "API"]),
        ("from", ["yesterday", "2026-13-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]),
        ("before", ["-1", "x", "1.5", "9" * 19, "٣"]),
    ],
)
def test_a_wrong_value_is_refused(api, name, texts):
    for text in texts:
        answer = api.get(URL, {name: text})
        assert (answer.status_code, answer.json()["error"].startswith(name)) == (400, True), text


def test_pages_do_not_move_when_entries_are_added(api, domain):
    changes = [note(domain) for _ in range(5)]
    newest = {"objectType": "domain", "limit": 2}
    seen = ids(api.get(URL, newest))
    while page := ids(api.get(URL, newest | {"before": seen[-1]})):
        note(domain)
        seen += page
    assert seen == [str(change.pk) for change in reversed(changes)]


def test_a_page_takes_three_statements(api, domain, django_assert_num_queries):
    for _ in range(60):
        note(domain)
    api.get(URL)
    with django_assert_num_queries(3):
        api.get(URL, {"objectType": "domain", "limit": 50})
