"""Whatever is in an address or a form, a page of the admin never fails."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BAD_TEXTS = [
    "", "\x00", "a\x00b", "_00", "\x01\x1f\x7f", "\u202e", "\U0010ffff", "é", "'; --", "%00", "%", "a" * 3000, "NaN", "-1", "0",
    "9" * 30, str(2**63), str(2**31), "10000", "1e400", "²", "true", "a,b\x00", "2026-13-45", "2026-02-30 25:00", '"a\x00',
]  # fmt: skip
MODELS = [f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry]
FIELDS = sorted({field.name for model in admin.site._registry for field in model._meta.get_fields()})
LOOKUPS = [
    "",
    "__exact",
    "__in",
    "__isnull",
    "__id__exact",
    "__year",
    "__month",
    "__day",
    "__gte",
    "__contains",
    "__regex",
]
OPTIONS = [
    "q",
    "o",
    "p",
    "all",
    "e",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "state",
    "deleting",
    "rule",
    "_facets",
]

ACTIONS = [
    "delete_selected", "push_to_ses", "retry", "revoke", "retry_now", "deliver_again", "withdraw", "try_now", "release",
]  # fmt: skip

texts = st.sampled_from(BAD_TEXTS) | st.text(max_size=8)
fields = st.tuples(st.sampled_from(FIELDS), st.sampled_from(LOOKUPS)).map("".join)
queries = st.lists(st.tuples(st.sampled_from(OPTIONS) | fields | texts, texts), max_size=4)
forms = st.dictionaries(
    st.sampled_from(
        ["_selected_action", "action", "index", "select_across", "post", "plan", "name", "address", "owner", "username"]
    )
    | st.sampled_from(FIELDS),
    texts | st.sampled_from([*ACTIONS, "1"]),
    max_size=5,
)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "abc", "9" * 30, "1e5"], ids=ascii)
@pytest.mark.parametrize("model", MODELS)
def test_what_cannot_be_an_id_finds_nothing_or_is_refused(admin_client: Client, ses, model: str, text: str) -> None:
    admin_client.raise_request_exception = False
    asked = quote(text)
    for query in (f"q={asked}", f"id={asked}", f"name={asked}", f"p={asked}", f"o={asked}", f"id__in={asked}"):
        assert admin_client.get(f"/admin/{model}/?{query}").status_code < 500, query
    for page in ("change/", "change/?_to_field=", "delete/", "history/", ""):
        assert admin_client.get(f"/admin/{model}/{asked}/{page}").status_code < 500, page
    for action in ACTIONS:
        chosen = {"action": action, "_selected_action": text}
        assert admin_client.post(f"/admin/{model}/", chosen).status_code < 500, action


def test_a_cookie_with_a_nul_is_no_session(transactional_db) -> None:
    client = Client(raise_request_exception=False)
    answer = client.get("/admin/", headers={"cookie": r'sessionid="abcdefgh\000ijkl"'})
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "path", ["/%00", "/static/%00", "/static/admin/css/base.css%00", "/admin%00/", "/api%00/v2/domains"]
)
def test_a_path_with_a_nul_is_not_found(transactional_db, path: str) -> None:
    assert Client(raise_request_exception=False).get(path).status_code == 404


def test_a_login_with_a_nul_is_refused(transactional_db) -> None:
    answer = Client().post("/admin/login/", {"username": "a\x00b", "password": "c\x00d"})
    assert "Null characters are not allowed" in answer.content.decode()


@given(data=st.data())
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_no_request_makes_a_page_fail(admin_client: Client, user, ses, data: Any) -> None:
    admin_client.raise_request_exception = False
    model, pk = data.draw(st.sampled_from(MODELS)), quote(data.draw(texts), safe="")
    page = data.draw(
        st.sampled_from(
            [
                *[
                    f"{model}/",
                    f"{model}/add/",
                    f"{model}/{pk}/change/",
                    f"{model}/{pk}/delete/",
                    f"{model}/{pk}/history/",
                ],
                *[
                    "",
                    "login/",
                    "autocomplete/",
                    f"{pk}/",
                    f"r/{pk}/{pk}/",
                    "jsi18n/",
                    "password_change/",
                    f"{model}/{pk}/",
                ],
            ]
        )
    )
    query = data.draw(queries)
    if page == "autocomplete/":
        query += [("app_label", "addresses"), ("model_name", "emailaddress"), ("field_name", "endpoint")]
        query += [("term", data.draw(texts))]
    path = f"/admin/{page}?{urlencode(query)}"
    answer = admin_client.get(path) if data.draw(st.booleans()) else admin_client.post(path, data.draw(forms))
    assert answer.status_code < 500, (path, answer.content[-300:])


BAD_CONFIGS = [
    r"https://a.example/\u0000", "https://a.example/\x00", "https://a.example/\ud800", "[" * 5000, "9" * 5000, "NaN", "1e999",
    "\x00", "\n", ":", "a:\nb", "a@b.example\ud800",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["webhook", "email", "email_group"])
@pytest.mark.parametrize("text", BAD_CONFIGS, ids=range(len(BAD_CONFIGS)))
def test_a_bad_config_is_an_error_of_the_form(admin_client: Client, user, text: str, kind: str) -> None:
    names = ["url", "headers", "secret", "timeout", "retryAttempts", "payload", "forwardTo", "emails", "fromAddress"]
    values = {"name": "x", "owner": str(user.pk), **dict.fromkeys(names, text)}
    body = urlencode(values, errors="surrogatepass")
    answer = admin_client.post(
        f"/admin/endpoints/endpoint/add/?type={kind}", body, content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
