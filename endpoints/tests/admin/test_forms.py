"""The forms of endpoints, one for each type. Secrets are masked, and stay as they are if they are left masked."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client

from endpoints.models import Endpoint
from inbound.tests.support.admin_site import post, text, url
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory

ADD = url("endpoints.endpoint", "add")
HOOK = {"url": "https://8.8.8.8/in", "name": "Hook", "payload": "full"}
MASKED = {
    "url": "https://hooks.example.org/in?apikey=***&v=2",
    "headers": "X-Key: ***\nX-Other: ***",
    "payload": "full",
}
CONFIG = {
    "url": "https://hooks.example.org/in?apikey=hidden-1&v=2",
    "headers": {"X-Key": "hidden-2", "X-Other": "hidden-3"},
    "verificationToken": "hidden-4",
    "custom": 1,
}


def page(endpoint: Endpoint) -> str:
    return url("endpoints.endpoint", "change", endpoint.pk)


def add(client: Client, user: Any, kind: str, **values: Any) -> Any:
    return client.post(f"{ADD}?type={kind}", {"owner": user.pk, "name": "New", **values})


@pytest.fixture
def endpoint(ses, user) -> Endpoint:
    return EndpointFactory(owner=user, config=CONFIG)


def change(client: Client, endpoint: Endpoint, **values: Any) -> Any:
    """Send the form as its page shows it, with these changes."""
    answer = client.post(page(endpoint), {"name": endpoint.name, "is_active": "on", **MASKED, **values})
    endpoint.refresh_from_db()
    return answer


def test_events_are_chosen_and_given_up(endpoint, admin_client: Client):
    change(admin_client, endpoint, events=["domain.deletion.proved"])
    assert endpoint.config == {**CONFIG, "events": ["domain.deletion.proved"]}
    change(admin_client, endpoint)
    assert endpoint.config == CONFIG


def test_one_chooses_a_type_first(user, admin_client: Client):
    shown = text(admin_client.get(ADD))
    assert [kind for kind in Endpoint.Type.values if f'href="?type={kind}"' in shown] == Endpoint.Type.values
    assert 'name="url"' not in shown
    assert "Where should mail go?" in text(admin_client.get(f"{ADD}?type=fax"))


@pytest.mark.parametrize(
    ("kind", "values", "config"),
    [
        ("email", {"forwardTo": "a@b.example", "includeAttachments": "on"}, {"forwardTo": "a@b.example"}),
        (
            "email_group",
            {"emails": " a@b.example \r\n\r\nc@d.example", "subjectPrefix": "[X]"},
            {"emails": ["a@b.example", "c@d.example"], "subjectPrefix": "[X]", "includeAttachments": False},
        ),
    ],
)
def test_a_forward_is_added(ses, user, admin_client: Client, kind: str, values: Any, config: Any):
    assert add(admin_client, user, kind, **values).status_code == 302
    endpoint = Endpoint.objects.get()
    assert (endpoint.type, endpoint.config, endpoint.owner) == (kind, config, user)
    assert LogEntry.objects.get().object_id == endpoint.pk


def test_a_webhook_is_added_with_a_secret_of_its_own(ses, user, admin_client: Client):
    more = {"headers": "X-Key: a: b\r\n", "secret": "hidden-secret-of-mine", "timeout": "5", "retryAttempts": "0"}
    assert add(admin_client, user, "webhook", **HOOK, **more).status_code == 302
    endpoint = Endpoint.objects.get()
    token = endpoint.config.pop("verificationToken")
    assert endpoint.config == {
        "url": HOOK["url"], "headers": {"X-Key": "a: b"}, "timeout": 5, "retryAttempts": 0,
    }  # fmt: skip
    assert (endpoint.secret, bool(token)) == ("hidden-secret-of-mine", True)


def test_a_generated_secret_is_shown_once(ses, user, admin_client: Client):
    answer = add(admin_client, user, "webhook", **HOOK)
    endpoint = Endpoint.objects.get()
    secret = endpoint.signing_secret
    assert secret
    assert (answer.status_code, text(answer).count(secret)) == (200, 1)
    assert "no-store" in answer["Cache-Control"]
    assert secret not in text(admin_client.get(page(endpoint)))
    assert secret not in str([one.get_decoded() for one in Session.objects.all()])


@pytest.mark.parametrize(
    ("kind", "values", "field", "sentence"),
    [
        ("webhook", {"url": "ftp://x.example"}, "url", "Invalid webhook URL format"),
        ("webhook", {"url": ""}, "url", "This field is required."),
        ("webhook", {"url": "https://10.0.0.1/"}, "url", "10.0.0.1 is not a public address."),
        ("webhook", {"url": "https://x.example/?key=***"}, "url", "*** stands for what is not shown."),
        ("webhook", {"timeout": "0"}, "timeout", "greater than or equal to 1"),
        ("webhook", {"timeout": "nan"}, "timeout", "Enter a number."),
        ("webhook", {"retryAttempts": "11"}, "retryAttempts", "less than or equal to 10"),
        ("webhook", {"payload": "all"}, "payload", "Select a valid choice."),
        ("webhook", {"headers": "X-Key"}, "headers", "Line 1 is not of the form Name: value."),
        ("webhook", {"headers": "A: 1\nA: 2"}, "headers", "A is there twice."),
        ("webhook", {"headers": "A: ***"}, "headers", "A has no stored value that *** could keep."),
        ("webhook", {"headers": "Host: x"}, "headers", "Headers must not contain Host"),
        ("webhook", {"headers": "A: \x00"}, "headers", "Null characters are not allowed."),
        ("webhook", {"headers": "A: " + "x" * 40_000}, "", "Configuration must not be larger than 32 kB"),
        ("email", {"forwardTo": "nobody"}, "forwardTo", "Invalid forward-to email address format"),
        ("email", {"forwardTo": "a@own.example", "fromAddress": "x@y.example"}, "fromAddress", "verified domains"),
        ("email_group", {"emails": "a@b.example\na@B.example"}, "emails", "duplicate email addresses"),
        ("email_group", {"emails": " "}, "emails", "This field is required."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(ses, user, admin_client: Client, kind, values, field, sentence):
    answer = add(admin_client, user, kind, **{**(HOOK if kind == "webhook" else {}), "secret": "hidden-9", **values})
    errors = answer.context["adminform"].form.errors
    assert answer.status_code == 200
    assert list(errors) == [field or "__all__"]
    assert sentence in str(errors[field or "__all__"].data[0].messages)
    assert "hidden-" not in text(answer)
    assert not Endpoint.objects.exists()


def test_a_loop_is_said_at_its_field(ses, user, admin_client: Client):
    endpoint = EndpointFactory(owner=user, type="email", config={"forwardTo": "x@y.example"})
    domain = DomainFactory(owner=user, name="example.com")
    EmailAddressFactory(domain=domain, address="a@example.com", endpoint=endpoint)
    answer = admin_client.post(page(endpoint), {"name": "x", "is_active": "on", "forwardTo": "a@example.com"})
    assert list(answer.context["adminform"].form.errors) == ["forwardTo"]


def test_the_page_masks_what_is_secret(endpoint, admin_client: Client):
    shown = text(admin_client.get(page(endpoint)))
    assert MASKED["url"] in shown
    assert MASKED["headers"] in shown
    assert "hidden-" not in shown


def test_what_is_left_as_it_was_stays(endpoint, admin_client: Client):
    secret = endpoint.secret
    assert change(admin_client, endpoint, name="Renamed").status_code == 302
    assert (endpoint.name, endpoint.config, endpoint.secret) == ("Renamed", CONFIG, secret)


def test_one_header_is_changed_and_another_removed(endpoint, admin_client: Client):
    change(admin_client, endpoint, headers="X-Key: ***\nX-New: 1")
    assert endpoint.config == {**CONFIG, "headers": {"X-Key": "hidden-2", "X-New": "1"}}
    change(admin_client, endpoint, headers="")
    assert endpoint.config == {name: value for name, value in CONFIG.items() if name != "headers"}


def test_another_url_takes_its_place_and_a_masked_part_does_not(endpoint, admin_client: Client):
    answer = change(admin_client, endpoint, url="https://8.8.8.8/?apikey=***")
    assert (answer.status_code, endpoint.config) == (200, CONFIG)
    change(admin_client, endpoint, url="https://hooks.example.org:443/new")
    assert endpoint.config == {**CONFIG, "url": "https://hooks.example.org:443/new"}


@pytest.mark.parametrize(
    "moved", ["https://8.8.8.8/", "http://hooks.example.org/in", "https://hooks.example.org:444/in"]
)
def test_what_is_masked_does_not_go_to_another_server(endpoint, admin_client: Client, moved: str):
    answer = change(admin_client, endpoint, url=moved)
    assert (answer.status_code, endpoint.config) == (200, CONFIG)
    assert answer.context["adminform"].form.errors == {
        "headers": ["X-Key: type the value again. *** does not go to another server."]
    }
    assert change(admin_client, endpoint, url=moved, headers="X-Key: mine").status_code == 302
    token = endpoint.config.pop("verificationToken")
    assert endpoint.config == {"url": moved, "headers": {"X-Key": "mine"}, "custom": 1}
    assert token != CONFIG["verificationToken"]


def test_another_secret_rotates_it(endpoint, admin_client: Client):
    change(admin_client, endpoint, secret="another-secret-of-mine")
    assert endpoint.secret == "another-secret-of-mine"
    assert endpoint.previous_secret_valid_until is not None
    assert endpoint.config == CONFIG


def test_owner_and_type_stay_and_ses_is_not_asked(ses, endpoint, admin_client: Client):
    before = endpoint.owner_id
    change(admin_client, endpoint, type="email", owner="4711", description="For tests", is_active="")
    assert (endpoint.type, endpoint.owner_id, endpoint.description) == ("webhook", before, "For tests")
    assert not endpoint.is_active
    assert calls(ses) == []


def test_a_warning_of_the_service_is_shown(ses, endpoint, admin_client: Client):
    changes = {**MASKED, "url": "http://8.8.8.8/", "headers": ""}
    _, messages = post(admin_client, page(endpoint), name="x", is_active="on", **changes)
    assert ("warning", "The webhook is not encrypted, because its URL begins with http://.") in messages
