"""The list of deliveries, and the page of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.admin_site import assert_constant_statements, count_statements, open_links, staff, text, url
from inbound.tests.support.factories import DeliveryFactory, DomainFactory, EndpointFactory, ReceivedEmailFactory
from mail.models import Delivery, DeliveryAttempt, EndpointGate, ForwardRecipient, Message

LIST = "/admin/mail/delivery/"


def delivery(domain: Domain, recipient: str = "hello@example.com", **values: Any) -> Delivery:
    email = ReceivedEmailFactory(message__domain=domain, recipient=recipient, disposition="routed")
    row: Delivery = DeliveryFactory(received=email, **values)
    return row


def recipients(client: Client, query: str = "") -> list[str]:
    """The recipients on the list, in its order."""
    response: Any = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, response
    return [row.received.recipient for row in response.context["cl"].result_list]


def page_of(client: Client, row: Delivery) -> str:
    return text(client.get(url("mail.delivery", "change", row.pk)))


def test_the_newest_delivery_comes_first_with_its_state(admin_client: Client, domain) -> None:
    now = timezone.now()
    delivery(domain, "old@example.com", created_at=now - timedelta(hours=1), endpoint__name="Shop")
    delivery(domain, "new@example.com", state="dead", attempts=9, finished_at=now, problem="It answered 503.")
    assert recipients(admin_client) == ["new@example.com", "old@example.com"]
    page = text(admin_client.get(LIST))
    for shown in ("due: attempt 1 is now", ">given up</span> at", "after 9 attempts", "It answered 503.", "Shop"):
        assert shown in page


def test_the_list_needs_as_many_statements_for_many_and_loads_no_bodies(admin_client: Client, domain) -> None:
    def make() -> None:
        row = delivery(domain)
        EndpointGate.objects.create(endpoint=row.endpoint, not_before=timezone.now() + timedelta(hours=1))

    assert_constant_statements(admin_client, LIST, make)
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(LIST)
    for query in captured:
        assert '"mail_message"."text"' not in query["sql"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state__exact=due", ["due@example.com"]),
        ("state__exact=dead", ["dead@example.com"]),
        ("endpoint__type__exact=email", ["sent@example.com"]),
        ("endpoint__id__exact=shop", ["dead@example.com"]),
        ("q=dead@example.com", ["dead@example.com"]),
        ("q=id-of-due", ["due@example.com"]),
        ("q=msg_id-of-due", ["due@example.com"]),
        ("q=ses-of-dead", ["dead@example.com"]),
        ("q=nothing", []),
    ],
)
def test_filters_and_searches_find_deliveries(admin_client: Client, domain, query: str, found: list[str]) -> None:
    delivery(domain, "due@example.com", pk="id-of-due")
    delivery(domain, "dead@example.com", state="dead", endpoint=EndpointFactory(pk="shop"))
    Message.objects.filter(received_emails__recipient="dead@example.com").update(ses_id="ses-of-dead")
    delivery(domain, "sent@example.com", state="delivered", endpoint__type="email", endpoint__config={"forwardTo": "a"})
    assert recipients(admin_client, query) == found


def test_deliveries_of_deleted_domains_are_not_there(admin_client: Client) -> None:
    gone = delivery(DomainFactory(name="example.com", deleting_since=timezone.now()))
    assert recipients(admin_client) == []
    assert admin_client.get(url("mail.delivery", "change", gone.pk)).status_code == 302


def test_the_page_shows_every_attempt(admin_client: Client, domain) -> None:
    row = delivery(domain, attempts=2, response={"status": 503})
    for number in (1, 2):
        answer = {"status_code": 503, "error": f"Problem {number}.", "excerpt": f"Busy {number}"}
        DeliveryAttempt.objects.create(delivery=row, number=number, seconds=0.25, **answer)
    page = page_of(admin_client, row)
    for shown in ("Problem 1.", "Busy 2", "250 ms", "503", '"status": 503', f"msg_{row.pk}"):
        assert shown in page


def test_the_page_of_a_forward_shows_every_member(admin_client: Client, domain) -> None:
    row = delivery(domain, endpoint__type="email", endpoint__config={"forwardTo": "ann@example.net"})
    ForwardRecipient.objects.create(delivery=row, address="ann@example.net", state="bounced", ses_message_id="ses-9")
    page = page_of(admin_client, row)
    for shown in ("Forwarded to", "ann@example.net", "Bounced", "ses-9"):
        assert shown in page
    assert "Forwarded to" not in page_of(admin_client, delivery(domain, "info@example.com"))


def test_the_page_needs_as_many_statements_for_many_attempts(admin_client: Client, domain) -> None:
    row = delivery(domain)
    path = url("mail.delivery", "change", row.pk)
    few = count_statements(admin_client, path)
    for number in range(20):
        DeliveryAttempt.objects.create(delivery=row, number=number)
        ForwardRecipient.objects.create(delivery=row, address=f"{number}@example.net")
    assert count_statements(admin_client, path) == few


def test_the_pages_of_mail_endpoint_and_domain_lead_to_their_deliveries(admin_client: Client, domain) -> None:
    row = delivery(domain, endpoint__name="Shop")
    email_page = url("mail.receivedemail", "change", row.received_id)
    links = {
        email_page: url("mail.delivery", "change", row.pk),
        url(
            "endpoints.endpoint", "change", row.endpoint_id
        ): f"{LIST}?endpoint__id__exact={row.endpoint_id}&state__exact=dead",
        url("domains.domain", "change", domain.pk): f"{LIST}?received__domain__id__exact={domain.pk}",
    }
    for page, link in links.items():
        assert f'href="{link}"' in text(admin_client.get(page))
        assert admin_client.get(link).status_code == 200
    assert recipients(admin_client, f"received__domain__id__exact={domain.pk}") == ["hello@example.com"]
    assert len(open_links(admin_client, LIST)) > 4


def test_the_page_of_a_mail_says_where_it_went_and_why(admin_client: Client, domain) -> None:
    def page(**values: Any) -> str:
        email = ReceivedEmailFactory(message__domain=domain, **values)
        return text(admin_client.get(url("mail.receivedemail", "change", email.pk)))

    held = page(disposition="quarantined", route={"reason": "virus"})
    assert "Quarantined" in held
    assert "SES has found a virus." in held
    assert "It is routed when it has been read." in page()


def test_deliveries_are_only_for_those_who_may_view_them(client: Client, domain) -> None:
    row = delivery(domain)
    paths = [LIST, url("mail.delivery", "change", row.pk)]
    staff(client, "mail.view_receivedemail")
    assert {client.get(path).status_code for path in paths} == {403}
    staff(client, "mail.view_delivery")
    assert {client.get(path).status_code for path in paths} == {200}
    client.logout()
    assert {client.get(path).status_code for path in paths} == {302}
