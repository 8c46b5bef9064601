"""GET /mail/{id}."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import UserFactory
from mail.models import Message, ReceivedEmail
from mail.tests.inbox import URL, mail_with, person, received, stored
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite

ATTACHMENT = {
    "index": 0, "filename": "a.pdf", "content_type": "application/pdf", "size": 123, "content_id": "<c>",
    "disposition": "attachment",
}  # fmt: skip
SHOWN_ATTACHMENT = {
    "filename": "a.pdf", "contentType": "application/pdf", "size": 123, "contentId": "<c>",
    "contentDisposition": "attachment",
}  # fmt: skip


def test_an_email_has_every_field_of_the_contract(api, domain):
    sent = timezone.now() - timedelta(minutes=5)
    addresses = {
        "from": person("Jo", "jo@x.org"),
        "to": person("Us", "hello@example.com"),
        "cc": person("C", "c@x.org"),
    }
    email = received(
        domain, rfc_id="<a@b>", subject="Hi", from_address="jo@x.org", from_name="Jo", sent_at=sent, text="Text",
        html="<p>HTML</p>", addresses=addresses, headers={"subject": "Hi"}, in_reply_to="<r@b>", references=["<r@b>"],
        priority="high", attachments=[ATTACHMENT], attachment_count=1, parse_seconds=0.25, spf="PASS", dkim="FAIL",
        virus="PASS", envelope_from="bounce@x.org", size=300_000, truncated=["html"], ingested_at=timezone.now(),
    )  # fmt: skip
    shown = api.get(f"{URL}/{email.pk}").json()
    email.refresh_from_db()
    url = f"http://testserver{URL}/{email.pk}/raw"
    assert shown == {
        "id": email.pk,
        "emailId": email.pk,
        "messageId": "<a@b>",
        "subject": "Hi",
        "from": "jo@x.org",
        "fromName": "Jo",
        "to": "Us <hello@example.com>",
        "cc": "C <c@x.org>",
        "bcc": None,
        "replyTo": None,
        "recipient": "hello@example.com",
        "receivedAt": timestamp(sent),
        "isRead": True,
        "readAt": timestamp(email.read_at),
        "isArchived": False,
        "archivedAt": None,
        "content": {
            "textBody": "Text",
            "htmlBody": "<p>HTML</p>",
            "rawContent": None,
            "rawUrl": url,
            "attachments": [SHOWN_ATTACHMENT],
            "headers": {"subject": "Hi"},
        },
        "textBody": "Text",
        "htmlBody": "<p>HTML</p>",
        "attachments": [SHOWN_ATTACHMENT],
        "rawUrl": url,
        "addresses": {**addresses, "bcc": None, "replyTo": None},
        "metadata": {
            "inReplyTo": "<r@b>",
            "references": ["<r@b>"],
            "priority": "high",
            "parseSuccess": True,
            "parseError": None,
            "hasAttachments": True,
            "attachmentCount": 1,
            "hasTextBody": True,
            "hasHtmlBody": True,
            "truncated": ["html"],
        },
        "security": {"spf": "PASS", "dkim": "FAIL", "dmarc": "UNKNOWN", "spam": "UNKNOWN", "virus": "PASS"},
        "processing": {
            "processingTimeMs": 250,
            "timestamp": timestamp(email.arrived_at),
            "receiptTimestamp": timestamp(email.arrived_at),
            "actionType": "S3",
            "s3Info": {
                "bucketName": None,
                "objectKey": None,
                "contentFetched": True,
                "contentSize": 300_000,
                "error": None,
            },
            "commonHeaders": {
                "from": ["Jo <jo@x.org>"],
                "to": ["Us <hello@example.com>"],
                "cc": ["C <c@x.org>"],
                "returnPath": "bounce@x.org",
                "messageId": "<a@b>",
                "subject": "Hi",
                "date": timestamp(sent),
            },
        },
        "createdAt": timestamp(email.arrived_at),
        "updatedAt": timestamp(email.read_at),
        "status": "received",
        "route": None,
        "threadId": "<r@b>",
        "deliveries": {"total": 0, "successful": 0, "failed": 0, "lastDelivery": None},
    }


def test_an_email_that_has_not_been_read_from_s3_yet_has_what_ses_said(api, domain):
    email = received(domain, state=Message.State.ARRIVED, size=None, subject="", from_address="")
    shown = api.get(f"{URL}/{email.pk}").json()
    assert (shown["subject"], shown["from"], shown["to"]) == (None, "unknown", "")
    assert shown["addresses"] == {"from": None, "to": None, "cc": None, "bcc": None, "replyTo": None}
    assert (shown["textBody"], shown["content"]["rawContent"], shown["attachments"]) == (None, None, [])
    assert (shown["metadata"]["parseSuccess"], shown["metadata"]["parseError"]) == (None, None)
    assert shown["processing"]["processingTimeMs"] is None
    assert shown["processing"]["s3Info"]["contentFetched"] is False


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"parse_error": "It took longer than 10 s to read."}, "It took longer than 10 s to read."),
        ({"state": Message.State.MISSING}, "The stored mail is missing."),
    ],
)
def test_a_mail_that_could_not_be_read_says_why_and_is_listed_as_failed(api, domain, columns, error):
    email = received(domain, **columns)
    received(domain)
    assert [row["parseError"] for row in api.get(f"{URL}?status=failed").json()["emails"]] == [error]
    assert email.pk not in [row["id"] for row in api.get(f"{URL}?status=processed").json()["emails"]]
    metadata = api.get(f"{URL}/{email.pk}").json()["metadata"]
    assert (metadata["parseSuccess"], metadata["parseError"]) == (False, error)


def test_getting_an_email_marks_it_as_read_once(api, domain):
    email = received(domain)
    first = api.get(f"{URL}/{email.pk}").json()
    assert first["isRead"] is True
    second = api.get(f"{URL}/{email.pk}").json()
    assert (second["isRead"], second["readAt"]) == (True, first["readAt"])
    (listed,) = api.get(URL).json()["emails"]
    assert (listed["isRead"], listed["readAt"]) == (True, first["readAt"])


def test_peeking_does_not_mark_it(api, domain):
    email = received(domain)
    shown = api.get(f"{URL}/{email.pk}?peek=true").json()
    assert (shown["isRead"], shown["readAt"]) == (False, None)
    assert api.get(f"{URL}/{email.pk}?peek=false").json()["isRead"] is True
    answer = api.get(f"{URL}/{email.pk}?peek=1")
    assert (answer.status_code, answer.json()) == (400, {"error": "peek must be true or false"})


def test_the_mark_is_one_statement_and_only_for_an_unread_email(api, domain):
    email = received(domain, state=Message.State.ARRIVED, size=None)
    api.get(URL)
    for updates in (1, 0):
        with CaptureQueriesContext(connection) as captured:
            api.get(f"{URL}/{email.pk}")
        assert len([query for query in captured if query["sql"].startswith("UPDATE")]) == updates
        assert len(captured) == 3 + updates


def test_a_small_mail_in_utf_8_comes_with_its_source(api, domain):
    raw = mail_with(text="Grüße")
    assert api.get(f"{URL}/{stored(domain, raw).pk}").json()["content"]["rawContent"] == raw.decode()


@pytest.mark.parametrize("raw", [b"Subject: x\r\n\r\n\xfc", b"Subject: x\r\n\r\n" + b"x" * 256 * 1024])
def test_other_mail_has_only_the_link_to_it(api, domain, raw):
    content = api.get(f"{URL}/{stored(domain, raw).pk}").json()["content"]
    assert content["rawContent"] is None
    assert content["rawUrl"].startswith("http://testserver/api/v2/mail/")


def test_a_mail_with_a_virus_comes_without_its_source(api, domain):
    email = stored(domain, mail_with(), virus="FAIL")
    assert api.get(f"{URL}/{email.pk}").json()["content"]["rawContent"] is None


@pytest.mark.parametrize("fault", [{"fault": "error", "status": 503, "code": "SlowDown"}, {"fault": "lost"}])
def test_without_s3_the_email_is_shown_all_the_same(api, domain, ses, fault):
    email = stored(domain, mail_with())
    ses.add_faults({"service": "s3", "action": "*", "times": None, **fault})
    answer = api.get(f"{URL}/{email.pk}")
    assert (answer.status_code, answer.json()["content"]["rawContent"]) == (200, None)


def test_an_unknown_email_is_404(api, client_for, domain):
    email = received(domain)
    for client, pk in ((api, "nothing"), (api, "a%00b"), (client_for(UserFactory()), email.pk)):
        answer = client.get(f"{URL}/{pk}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Email not found"})
    assert not ReceivedEmail.objects.filter(is_read=True).exists()


def test_head_marks_nothing_and_has_no_body(api, domain):
    email = received(domain)
    assert api.head(f"{URL}/{email.pk}").status_code == 200
    assert not ReceivedEmail.objects.get().is_read


def test_an_email_needs_the_scope_to_read(client_for, user, domain: Domain):
    email = received(domain)
    answer = client_for(user, Scope.WRITE).get(f"{URL}/{email.pk}")
    assert answer.status_code == 403
    assert client_for(user, Scope.READ).get(f"{URL}/{email.pk}").json()["isRead"] is True
