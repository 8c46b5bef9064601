"""The page of one mail: its whole story, and nothing to edit."""

from __future__ import annotations

import html
import re

from django.test import Client

from inbound.tests.support.admin_site import text, url
from inbound.tests.support.factories import ReceivedEmailFactory
from mail.tests.admin.mails import PNG, composed, received

VERDICTS = {"spf": "PASS", "dkim": "GRAY", "dmarc": "FAIL", "dmarc_policy": "reject", "spam": "PASS"}


def test_the_story_of_a_mail_is_told_from_arrival_to_content(admin_client: Client, domain) -> None:
    row = received(domain, composed(text="How are you?", dot_png=PNG), envelope_from="bounce@example.net", **VERDICTS)
    page = text(admin_client.get(url("mail.receivedemail", "change", row.pk)))
    for shown in (
        "Offer",
        '"Ann" <ann@example.net>',
        "bounce@example.net",
        "Notification from SQS",
        f"s3://inbound-mail/emails/example.com/{domain.pk}/{row.message.ses_id}",
        f"({row.message.size:,} bytes)",
        "How are you?",
        "Read 20",
        "<1@example.net>",
        "dot.png",
        "image/png",
        "264 bytes",
    ):
        assert shown in page
    assert "SPF <" in page
    assert re.search(r'DMARC <span class="mail-bad">FAIL</span> \(policy reject\)', page)
    assert re.search(r'Virus <span class="">unknown</span>', page)
    assert '<input type="submit" value="Save"' not in page


def test_every_recipient_is_shown_with_what_they_did(admin_client: Client, domain) -> None:
    row = received(domain, composed())
    other = ReceivedEmailFactory(message=row.message, recipient="info@example.com", is_read=True, is_archived=True)
    page = text(admin_client.get(url("mail.receivedemail", "change", row.pk)))
    assert f'<a href="{url("mail.receivedemail", "change", other.pk)}">info@example.com</a>' in page
    assert page.count('<td class="short">yes</td>') == 2


def test_a_mail_that_waits_says_when_it_is_tried_again_and_why(admin_client: Client, domain) -> None:
    row = received(
        domain, composed(), state="arrived", attempts=3, problem="AWS is throttling our calls.", ingested_at=None
    )
    page = text(admin_client.get(url("mail.receivedemail", "change", row.pk)))
    assert "Arrived, tried 3 times" in page
    assert "AWS is throttling our calls." in page


def test_a_mail_that_nobody_could_parse_says_why(admin_client: Client, domain) -> None:
    row = received(domain, composed(), parse_error="It took longer than 10 s to read.", truncated=["text", "headers"])
    page = text(admin_client.get(url("mail.receivedemail", "change", row.pk)))
    assert "It took longer than 10 s to read." in page
    assert "text, headers" in page


def test_nothing_can_be_changed_or_added(admin_client: Client, domain) -> None:
    row = received(domain, composed())
    path = url("mail.receivedemail", "change", row.pk)
    assert admin_client.post(path, {"recipient": "x@example.com", "is_read": "on"}).status_code == 403
    assert admin_client.get(url("mail.receivedemail", "add")).status_code == 403
    row.refresh_from_db()
    assert (row.recipient, row.is_read) == ("hello@example.com", False)


def test_reading_in_the_admin_does_not_mark_a_mail_as_read(admin_client: Client, domain) -> None:
    row = received(domain, composed())
    admin_client.get(url("mail.receivedemail", "change", row.pk))
    row.refresh_from_db()
    assert row.is_read is False


def test_headers_are_shown_as_the_mail_has_them(admin_client: Client, domain) -> None:
    row = received(domain, b"X-A: 1\nX-A: 2\nTo: b@example.com\nContent-Type: text/plain; charset=utf-8\n\nHello")
    page = text(admin_client.get(url("mail.receivedemail", "change", row.pk)))
    for name, value in (
        ("x-a", "1"),
        ("x-a", "2"),
        ("to", "b@example.com"),
        ("content-type", "text/plain; charset=utf-8"),
    ):
        assert re.search(rf'<td class="short">{name}</td><td( class="short")?>{value}</td>', page), name


def test_a_mail_without_any_header_has_a_page(admin_client: Client, domain) -> None:
    row = received(domain, b"", subject="", from_address="")
    assert admin_client.get(url("mail.receivedemail", "change", row.pk)).status_code == 200
    assert "No subject" in html.unescape(admin_client.get("/admin/mail/receivedemail/").content.decode())
