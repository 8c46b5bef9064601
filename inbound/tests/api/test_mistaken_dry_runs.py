"""Mistaken dry runs delete nothing: parameters in the body, misspelt, or where there is no plan."""

from __future__ import annotations

import pytest

from inbound.api.bodies import SENTENCE
from inbound.tests.access.rows import everything
from inbound.tests.api.routes import allows
from inbound.tests.api.test_owners import OF_ONE
from inbound.tests.api.test_owners import tokens as tokens  # a fixture

DELETES = [route for route in OF_ONE if allows(route, "delete")]


def path(route: str) -> str:
    """The path of the caller's row."""
    kind = route.partition("/")[0]
    return f"/api/v2/{kind}/{kind}"


@pytest.mark.parametrize("route", DELETES)
def test_a_dry_run_in_the_body_deletes_nothing(tokens, api, ses, route):
    before = everything()
    ses.clear_journal()
    for body in (b'{"dry_run": true}', b'{"dryRun": 1}', b'{"plan": "x"}', b"dry_run=true", b"[]", b"\xff"):
        answer = api.generic("DELETE", path(route), body)
        assert (answer.status_code, set(answer.json())) == (400, {"error"}), body
    assert everything() == before
    assert ses.journal() == []


@pytest.mark.parametrize("body", [b"{}", b'{"isActive": false}'])
@pytest.mark.parametrize("route", DELETES)
def test_any_other_body_is_ignored(tokens, api, route, body):
    """Some clients send one with every request."""
    assert api.generic("DELETE", path(route), body).status_code == 200


@pytest.mark.parametrize("route", DELETES)
def test_a_chunked_body_deletes_nothing(tokens, api, route):
    """Without a Content-Length, Django takes the body for empty."""
    before = everything()
    answer = api.generic("DELETE", path(route), b"", HTTP_TRANSFER_ENCODING="chunked")
    assert (answer.status_code, answer.json()) == (411, {"error": SENTENCE})
    assert everything() == before


@pytest.mark.parametrize("route", ["blocked-emails", "endpoints"])
def test_asking_for_a_plan_where_there_is_none_deletes_nothing(tokens, api, route):
    before = everything()
    for query in ("dry_run=true", "dry_run=1", "dryRun=true", "plan=x", f"plan={tokens[0]}", "dry_run=false"):
        answer = api.delete(f"{path(route)}?{query}")
        assert (answer.status_code, set(answer.json())) == (400, {"error"}), query
    assert everything() == before
    assert api.delete(path(route)).status_code == 200
