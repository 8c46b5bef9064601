"""Endpoints: the choice of a type, and a form for each."""

from __future__ import annotations

from django.contrib.auth.models import User

from endpoints.models import Endpoint
from inbound.tests.browser.looking import Operator
from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import EndpointFactory

ADD = url("endpoints.endpoint", "add")


def test_a_webhook_is_added_and_its_secret_shown_once(operator: Operator, admin_user: User) -> None:
    page = operator.page
    operator.open(ADD)
    operator.look("type of endpoint")
    page.get_by_role("link", name="Webhook").click()
    page.get_by_label("Name", exact=False).first.fill("CRM")
    page.evaluate(
        "pk => document.querySelector('#id_owner').add(new Option('admin', pk, true, true))", str(admin_user.pk)
    )
    page.get_by_label("URL").fill("https://10.0.0.1/")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("10.0.0.1 is not a public address.").wait_for()
    operator.look("webhook with an error")
    page.get_by_label("URL").fill("https://8.8.8.8/in")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Copy").wait_for()
    operator.look("signing secret")
    assert Endpoint.objects.get().config["url"] == "https://8.8.8.8/in"


def test_a_webhook_is_changed(operator: Operator, admin_user: User) -> None:
    config = {"url": "https://8.8.8.8/in?token=hidden", "headers": {"X-Key": "hidden", "X-Other": "hidden"}}
    endpoint = EndpointFactory(owner=admin_user, config=config)
    operator.open(url("endpoints.endpoint", "change", endpoint.pk))
    operator.look("webhook")
    operator.page.get_by_label("Timeout").fill("5")
    operator.page.get_by_role("button", name="Save", exact=True).click()
    operator.page.wait_for_url("**/endpoints/endpoint/")
    endpoint.refresh_from_db()
    assert endpoint.config == {**config, "timeout": 5, "verificationToken": endpoint.config["verificationToken"]}


def test_a_group_is_looked_at(operator: Operator, admin_user: User) -> None:
    EndpointFactory(owner=admin_user, type="email_group", config={"emails": ["a@b.example", "c@d.example"]})
    operator.open(url("endpoints.endpoint", "change", Endpoint.objects.get().pk))
    operator.look("group")


def test_a_webhook_that_moves_needs_its_headers_again(operator: Operator, admin_user: User) -> None:
    endpoint = EndpointFactory(owner=admin_user, config={"url": "https://8.8.8.8/in", "headers": {"X-Key": "hidden"}})
    operator.open(url("endpoints.endpoint", "change", endpoint.pk))
    operator.page.get_by_label("URL").fill("https://8.8.4.4/in")
    operator.page.get_by_role("button", name="Save", exact=True).click()
    operator.page.get_by_text("*** does not go to another server.").wait_for()
    operator.look("webhook that moves")
