"""The list of received mail."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.admin_site import assert_constant_statements, open_links, staff, text, url
from inbound.tests.support.factories import DeliveryFactory, DomainFactory, MessageFactory, ReceivedEmailFactory
from mail.models import ReceivedEmail

LIST = "/admin/mail/receivedemail/"


def mail(domain: Domain, recipient: str = "hello@example.com", **values: Any) -> ReceivedEmail:
    row: ReceivedEmail = ReceivedEmailFactory(message=MessageFactory(domain=domain, **values), recipient=recipient)
    return row


def subjects(client: Client, query: str = "") -> list[str]:
    """The subjects on the list, in its order."""
    response: Any = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, response
    return [row.message.subject for row in response.context["cl"].result_list]


def test_the_newest_mail_comes_first_with_what_is_known_of_it(admin_client: Client, domain) -> None:
    now = timezone.now()
    mail(domain, subject="Old", arrived_at=now - timedelta(hours=1))
    mail(domain, "info@example.com", subject="New", from_address="ann@example.net", size=2048, attachment_count=7)
    assert subjects(admin_client) == ["New", "Old"]
    page = text(admin_client.get(LIST))
    for shown in (
        "Received mail",
        "info@example.com",
        "ann@example.net",
        "2.0 KB",
        ">7<",
        "received",
        f"{now:%Y-%m-%d}",
    ):
        assert shown in page


def test_what_is_wrong_with_a_mail_is_in_one_column(admin_client: Client, domain) -> None:
    wrong: dict[str, Any] = {
        "virus": "FAIL",
        "dmarc": "FAIL",
        "spam": "PASS",
        "truncated": ["text", "html"],
        "parse_error": "Broken.",
    }
    mail(domain, **wrong)
    assert "Virus FAIL, DMARC FAIL, not parsed, 2 parts cut" in text(admin_client.get(LIST))


def test_the_status_of_a_mail_is_the_word_of_the_api_and_finds_it(admin_client: Client, domain) -> None:
    for state, word in {"due": "processing", "delivered": "forwarded", "dead": "failed", "withdrawn": "stored"}.items():
        row = ReceivedEmailFactory(message__domain=domain, message__subject=state, disposition="routed")
        DeliveryFactory(received=row, state=state)
        assert subjects(admin_client, f"outcome={word}") == [state]
        assert re.search(rf'field-state_shown"><span class="[a-z-]*">{word}</span>', text(admin_client.get(LIST)))
    for word in ("received", "blocked", "quarantined"):
        ReceivedEmailFactory(message__domain=domain, message__subject=word, disposition=word)
        assert subjects(admin_client, f"outcome={word}") == [word]


def test_mail_of_deleted_domains_is_not_there(admin_client: Client, domain) -> None:
    gone = mail(DomainFactory(deleting_since=timezone.now()), subject="Gone")
    assert subjects(admin_client) == []
    assert admin_client.get(url("mail.receivedemail", "change", gone.pk)).status_code == 302
    assert admin_client.get(url("mail.receivedemail", "raw", gone.pk)).status_code == 404


def test_the_list_needs_as_many_statements_for_many_mails_and_loads_no_bodies(admin_client: Client, domain) -> None:
    assert_constant_statements(admin_client, LIST, lambda: mail(domain, text="x" * 1000))
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(LIST)
    [select] = [query["sql"] for query in captured if '"mail_message"."subject"' in query["sql"]]
    for column in ("text", "html", "headers", "addresses", "attachments"):
        assert f'"mail_message"."{column}"' not in select


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=arrived", ["waiting"]),
        ("state=ingested", ["broken", "cut", "infected", "good"]),
        ("parsed=failed", ["broken"]),
        ("parsed=cut", ["cut"]),
        ("parsed=whole", ["infected", "good"]),
        ("verdict=virus", ["infected"]),
        ("verdict=dmarc", []),
        ("verdict=none", ["broken", "cut", "waiting", "good"]),
        ("q=infected", ["infected"]),
        ("q=eve@example.net", ["infected"]),
        ("q=HELLO@Example.com", ["broken", "cut", "infected", "waiting", "good"]),
        ("q=ses-of-good", ["good"]),
        ("q=ses-of", []),
        ("q=nobody", []),
    ],
)
def test_filters_and_searches_find_mail(admin_client: Client, domain, query: str, found: list[str]) -> None:
    now = timezone.now()
    mail(domain, subject="good", ses_id="ses-of-good", arrived_at=now - timedelta(seconds=5))
    mail(domain, subject="waiting", state="arrived", arrived_at=now - timedelta(seconds=4))
    mail(
        domain, subject="infected", virus="FAIL", from_address="eve@example.net", arrived_at=now - timedelta(seconds=3)
    )
    mail(domain, subject="cut", truncated=["text"], arrived_at=now - timedelta(seconds=2))
    mail(domain, subject="broken", parse_error="It took too long.", arrived_at=now - timedelta(seconds=1))
    assert subjects(admin_client, query) == found


def test_the_mail_of_one_domain_is_found_by_filter(admin_client: Client, domain) -> None:
    mail(domain, subject="Ours")
    mail(DomainFactory(name="example.org"), "a@example.org", subject="Theirs")
    assert subjects(admin_client, f"domain__id__exact={domain.pk}") == ["Ours"]
    page = text(admin_client.get(LIST))
    assert re.search(rf'<a href="\?domain__id__exact={domain.pk}">\s*example\.com</a>', page)
    assert len(open_links(admin_client, LIST)) > 4


def test_the_page_of_a_domain_links_to_its_mail(admin_client: Client, domain) -> None:
    mail(domain)
    assert f'href="{LIST}?domain__id__exact={domain.pk}">Received mail' in text(
        admin_client.get(url("domains.domain", "change", domain.pk))
    )


def test_mail_is_only_for_those_who_may_view_it(client: Client, domain) -> None:
    row = mail(domain)
    paths = [LIST, url("mail.receivedemail", "change", row.pk), url("mail.receivedemail", "raw", row.pk)]
    staff(client, "domains.view_domain")
    assert {client.get(path).status_code for path in paths} == {403}
    staff(client, "mail.view_receivedemail")
    assert client.get(LIST).status_code == 200
    assert client.get(url("mail.receivedemail", "delete", row.pk)).status_code == 403
    client.logout()
    assert {client.get(path).status_code for path in paths} == {302}
