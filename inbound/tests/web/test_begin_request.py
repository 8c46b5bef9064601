"""The middleware that begins a request: id, origin and the line in the log."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpRequest, HttpResponse
from rest_framework.test import APIClient

from audit.origin import REQUEST_ID, Door, Origin, current
from inbound.models import issue_key
from inbound.tests.support.factories import UserFactory
from inbound.web.requests import HEADER, BeginRequest

pytestmark = pytest.mark.sqlite

URL = "/api/v2/endpoints"


def begun(path: str = URL, **meta: str) -> Origin:
    """The origin that the view sees."""
    seen: list[Origin | None] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current())
        return HttpResponse()

    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    request.META.update(meta)
    BeginRequest(view)(request)
    assert current() is None
    (origin,) = seen
    assert origin is not None
    return origin


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "inbound.web.requests"]


@pytest.fixture(autouse=True)
def all_levels(caplog):
    caplog.set_level(logging.INFO, "inbound.web.requests")


@pytest.mark.parametrize("given", ["7f3a", "Root=1-67891233-abcdef012345678912345678", "a" * 100])
def test_the_id_of_the_client_is_kept_and_returned(db, given):
    assert APIClient().get(URL, headers={HEADER: given})[HEADER] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "a" * 101, "a\nb", "ä", "<b>"])
def test_another_id_is_replaced(given):
    found = begun(HTTP_X_REQUEST_ID=given).request_id
    assert found != given
    assert REQUEST_ID.fullmatch(found)


@pytest.mark.parametrize("path", [URL, "/nothing", "/admin/login/", "/static/admin/css/base.css"])
def test_every_answer_has_an_id_of_its_own(db, path):
    answers = [APIClient().get(path) for _ in range(2)]
    for answer in answers:
        answer.close()
    assert len({answer[HEADER] for answer in answers}) == 2


def test_the_door_is_that_of_the_path():
    assert begun().door is Door.API
    assert begun("/admin/domains/domain/").door is Door.ADMIN


def test_the_line_names_the_key_and_not_the_query(db, caplog):
    user = UserFactory(username="op")
    row, key = issue_key(owner=user, name="first key")
    APIClient().get(f"{URL}?limit=2", headers={"Authorization": f"Bearer {key}"}, REMOTE_ADDR="192.0.2.7")
    (line,) = lines(caplog)
    assert line.startswith("GET /api/v2/endpoints: 200 in ")
    assert line.endswith(f" ms, op, key {row.start}, from 192.0.2.7")
    assert key not in line


def test_the_line_of_an_admin_page_names_the_user(db, client, caplog):
    client.force_login(UserFactory(username="op", is_staff=True, is_superuser=True))
    client.get("/admin/password_change/")
    assert lines(caplog)[-1].endswith(" ms, op, from 127.0.0.1")


def test_a_path_cannot_forge_a_line(caplog):
    begun("/a\n2026: 200 in 1 ms")
    (line,) = lines(caplog)
    assert line.startswith("GET /a%0A2026:%20200%20in%201%20ms: 200 in ")


def test_a_request_that_fails_is_logged_with_its_status(db, caplog):
    APIClient().get(URL)
    assert lines(caplog)[0].startswith("GET /api/v2/endpoints: 401 in ")
