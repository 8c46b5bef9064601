"""Pages of other origins may call the API if the operator says so, and never with the cookies of the admin."""

from __future__ import annotations

import pytest
from django.test import override_settings

from inbound.settings import MIDDLEWARE

URL = "/api/v2/endpoints"
PAGE = "https://app.example.net"
ASKING = {"origin": PAGE, "access-control-request-method": "DELETE", "access-control-request-headers": "authorization"}


@pytest.fixture
def allowed():
    with override_settings(
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE], CORS_ALLOWED_ORIGINS=[PAGE]
    ):
        yield


def cors(answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower().startswith("access-control")}


def test_without_the_setting_no_answer_mentions_other_origins(api, client):
    assert "corsheaders.middleware.CorsMiddleware" not in MIDDLEWARE
    assert cors(api.get(URL, headers={"origin": PAGE})) == cors(client.options(URL, headers=ASKING)) == {}


def test_a_page_of_an_allowed_origin_may_ask_first_and_then_call(allowed, api, client):
    preflight = client.options(URL, headers=ASKING)
    assert preflight.status_code == 200
    assert preflight["Access-Control-Allow-Origin"] == PAGE
    assert "DELETE" in preflight["Access-Control-Allow-Methods"]
    assert "authorization" in preflight["Access-Control-Allow-Headers"]
    answer = api.get(URL, headers={"origin": PAGE})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert "RateLimit-Remaining" in answer["Access-Control-Expose-Headers"]
    assert "Origin" in answer["Vary"].title()


def test_credentials_are_never_allowed(allowed, api, client):
    for answer in (client.options(URL, headers=ASKING), api.get(URL, headers={"origin": PAGE})):
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example.net", f"{PAGE}.evil.example"])
def test_other_origins_are_not_mentioned(allowed, api, client, origin):
    assert "Access-Control-Allow-Origin" not in cors(api.get(URL, headers={"origin": origin}))
    assert "Access-Control-Allow-Origin" not in cors(client.options(URL, headers={**ASKING, "origin": origin}))


def test_the_admin_is_not_for_pages_of_other_origins(allowed, client, transactional_db):
    assert cors(client.get("/admin/login/", headers={"origin": PAGE})) == {}
