"""GET /deletions"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import DomainDeletion
from inbound.models import Scope
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "/api/v2/deletions"


def deletion(owner, name, **fields):
    return DomainDeletion.objects.create(owner=owner, name=name, domain_id=f"indm_{name}", **fields)


def finished(owner, name, **fields):
    done = dict.fromkeys(DomainDeletion.STEPS, "done")
    return deletion(owner, name, finished_at=timezone.now(), **done, **fields)


def names(answer):
    return [row["domain"] for row in answer.json()["data"]]


def test_the_callers_deletions_are_listed_newest_first(api, client_for, user):
    now = timezone.now()
    for minutes, owner, name in ((2, user, "a.com"), (1, user, "b.com"), (3, UserFactory(), "theirs.com")):
        row = deletion(owner, name)
        DomainDeletion.objects.filter(pk=row.pk).update(started_at=now - timedelta(minutes=minutes))
    answer = api.get(URL, {"limit": 1})
    assert answer.status_code == 200
    assert names(answer) == ["b.com"]
    assert answer.json()["pagination"] == {"limit": 1, "offset": 0, "total": 2, "hasMore": True}
    assert names(api.get(URL, {"offset": 1})) == ["a.com"]
    assert names(client_for(UserFactory()).get(URL)) == []


@pytest.mark.parametrize(("desired", "found"), [("true", ["done.com"]), ("false", ["pending.com"])])
def test_deletions_are_filtered_by_finished(api, user, desired, found):
    deletion(user, "pending.com")
    finished(user, "done.com")
    answer = api.get(URL, {"finished": desired})
    assert names(answer) == found
    assert answer.json()["pagination"]["total"] == 1


@pytest.mark.parametrize("finished", ["maybe", "", "True", "1"])
def test_finished_accepts_only_true_and_false(api, user, finished):
    answer = api.get(URL, {"finished": finished})
    assert (answer.status_code, answer.json()) == (400, {"error": "finished must be true or false"})


def test_deletions_outside_the_api_are_listed(api, user, ses):
    DomainFactory(owner=user).delete()
    (row,) = api.get(URL).json()["data"]
    assert row["requestedBy"] is None
    assert "dns" not in row


@pytest.mark.parametrize("state", [deletion, finished])
def test_statements_do_not_grow_with_the_page(api, user, ses, state):
    counted = []
    for size in (1, 50):
        for number in range(size - DomainDeletion.objects.count()):
            state(user, f"d{size}-{number}.com")
        api.get(URL)  # records the use of the key
        with CaptureQueriesContext(connection) as captured:
            assert len(names(api.get(URL))) == size
        counted.append(len(captured))
    assert counted[0] == counted[1]
    assert calls(ses) == []


def test_reading_needs_the_read_scope(client_for, user):
    answer = client_for(user, Scope.DELETE).get(URL)
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'read' scope."})


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_deletions_are_read_only(api, user, method):
    row = deletion(user, "a.com")
    for url in (URL, f"{URL}/{row.pk}"):
        assert getattr(api, method)(url, {}).status_code == 405
    assert DomainDeletion.objects.count() == 1
