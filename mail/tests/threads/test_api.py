"""GET /mail/{id}/thread and POST /mail/thread-counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import DomainFactory, ReceivedEmailFactory, UserFactory
from mail.api import threads
from mail.models import Message, ReceivedEmail
from mail.parsing.parsed import ParsedMail
from mail.tests.inbox import ATTACHMENTS, URL, person, received
from mail.threads.references import record_references
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite

COUNTS = f"{URL}/thread-counts"


@pytest.fixture
def domain(ses, user) -> Domain:
    made: Domain = DomainFactory(owner=user, name="example.com")
    return made


def mail(domain: Domain, own: str, *references: str, minutes: int = 0, **message: Any) -> ReceivedEmail:
    """An email of so many minutes ago."""
    email = received(
        domain, rfc_id=own, references=list(references), arrived_at=timezone.now() - timedelta(minutes=minutes), **message
    )  # fmt: skip
    record_references(email.message_id, ParsedMail(message_id=own, references=list(references)))
    return email


@pytest.fixture
def conversation(domain) -> list[ReceivedEmail]:
    """Three emails, oldest first."""
    return [
        mail(domain, "<a@x>", minutes=3),
        mail(domain, "<b@x>", "<a@x>", minutes=2),
        mail(domain, "<c@x>", "<a@x>", "<b@x>", minutes=1),
    ]


def thread(api, email: ReceivedEmail, query: str = "") -> dict[str, Any]:
    answer = api.get(f"{URL}/{email.pk}/thread?{query}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def ids(shown: dict[str, Any]) -> list[str]:
    return [message["id"] for message in shown["messages"]]


def counts(api, *pks: str) -> list[tuple[str, int, bool]]:
    answer = api.post(COUNTS, {"emailIds": list(pks)}).json()
    assert answer["success"] is True
    return [(row["emailId"], row["threadCount"], row["hasThread"]) for row in answer["data"]]


def test_an_email_of_a_thread_has_every_field_of_the_contract(api, domain):
    addresses = {
        "from": person("Jo", "jo@x.org"),
        "to": person("Us", "hello@example.com"),
        "cc": person("C", "c@x.org"),
    }
    email = mail(
        domain, "<a@x>", "<r@x>", subject="Hi", from_address="jo@x.org", from_name="Jo", text="Text", html="<p>HTML</p>",
        addresses=addresses, in_reply_to="<r@x>", attachments=ATTACHMENTS,
    )  # fmt: skip
    attachment = {
        "filename": "a.txt",
        "contentType": "text/plain",
        "size": 13,
        "contentId": None,
        "contentDisposition": "attachment",
    }
    assert thread(api, email) == {
        "messages": [
            {
                "id": email.pk,
                "messageId": "<a@x>",
                "type": "inbound",
                "subject": "Hi",
                "from": "Jo <jo@x.org>",
                "fromName": "Jo",
                "to": "Us <hello@example.com>",
                "receivedAt": timestamp(email.arrived_at),
                "sentAt": None,
                "content": {
                    "textBody": "Text",
                    "htmlBody": "<p>HTML</p>",
                    "attachments": [attachment],
                    "truncated": [],
                },
                "addresses": {"from": addresses["from"], "to": addresses["to"]},
                "metadata": {
                    "inReplyTo": "<r@x>",
                    "references": ["<r@x>"],
                    "parseSuccess": True,
                    "parseError": None,
                },
                "isRead": False,
                "readAt": None,
            }
        ],
        "totalCount": 1,
        "threadId": "<r@x>",
        "pagination": {"total": 1, "limit": 100, "offset": 0, "hasMore": False},
    }


def test_a_mail_that_says_nothing_has_the_defaults(api, domain):
    email = received(domain, from_address="", subject="", state=Message.State.ARRIVED)
    (shown,) = thread(api, email)["messages"]
    assert (shown["from"], shown["to"], shown["subject"]) == ("Unknown Sender", "Unknown Recipient", None)
    assert (shown["content"]["textBody"], shown["content"]["htmlBody"]) == (None, None)
    assert thread(api, email)["threadId"] == email.pk


def test_every_email_has_the_whole_thread_oldest_first_and_the_same_count(api, conversation, domain):
    other = received(domain)
    expected = [email.pk for email in conversation]
    for email in conversation:
        shown = thread(api, email)
        assert (ids(shown), shown["totalCount"], shown["threadId"]) == (expected, 3, "<a@x>")
    assert counts(api, *expected, other.pk) == [*((pk, 3, True) for pk in expected), (other.pk, 1, False)]


def test_showing_a_thread_marks_nothing_as_read(api, conversation):
    thread(api, conversation[0])
    assert not ReceivedEmail.objects.filter(is_read=True).exists()


def test_pages_begin_with_the_newest(api, conversation):
    first, second, third = (email.pk for email in conversation)
    shown = thread(api, conversation[0], "limit=2")
    assert (ids(shown), shown["totalCount"], shown["threadId"]) == ([second, third], 3, "<a@x>")
    assert shown["pagination"] == {"total": 3, "limit": 2, "offset": 0, "hasMore": True}
    assert ids(thread(api, conversation[0], "limit=2&offset=2")) == [first]
    assert api.get(f"{URL}/{first}/thread?limit=101").status_code == 400


def test_a_mail_for_two_recipients_is_once_in_the_thread_as_the_email_that_was_asked_for(api, conversation):
    email = conversation[1]
    twin = ReceivedEmailFactory(message=email.message)
    expected = [row.pk for row in conversation]
    assert ids(thread(api, email)) == expected
    assert ids(thread(api, twin)) == [expected[0], twin.pk, expected[2]]
    assert counts(api, email.pk, twin.pk) == [(email.pk, 3, True), (twin.pk, 3, True)]


def test_html_that_is_too_long_for_a_thread_is_left_out(api, domain, monkeypatch):
    monkeypatch.setattr(threads, "MOST_HTML", 10)
    rows = [mail(domain, f"<{n}@x>", "<r@x>", html="x" * n, minutes=12 - n) for n in (10, 11)]
    contents = [message["content"] for message in thread(api, rows[0])["messages"]]
    assert [(it["htmlBody"], it["truncated"]) for it in contents] == [("x" * 10, []), (None, ["html"])]


def test_an_unknown_email_and_another_users_are_not_found(api, client_for, conversation):
    stranger = client_for(UserFactory())
    for client, pk in ((api, "nothing"), (stranger, conversation[0].pk)):
        answer = client.get(f"{URL}/{pk}/thread")
        assert (answer.status_code, answer.json()) == (404, {"error": "Email not found"})


def test_unknown_ids_and_those_of_others_count_one_in_the_order_that_was_asked(api, client_for, conversation):
    pk = conversation[0].pk
    assert counts(api, "nothing", pk, "a\0b", pk) == [
        ("nothing", 1, False),
        (pk, 3, True),
        ("a\0b", 1, False),
        (pk, 3, True),
    ]
    assert counts(client_for(UserFactory()), pk) == [(pk, 1, False)]
    assert counts(api) == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "emailIds array is required"),
        ({"emailIds": "a"}, "emailIds array is required"),
        ({"emailIds": ["a"] * 1001}, "Cannot count more than 1000 emails at once"),
        ({"emailIds": ["a", ""]}, "All email IDs must be non-empty strings"),
        ({"emailIds": [1]}, "All email IDs must be non-empty strings"),
    ],
)
def test_errors_of_counts_say_success_false(api, body, error):
    answer = api.post(COUNTS, body)
    assert (answer.status_code, answer.json()) == (400, {"success": False, "error": error})


def test_an_id_that_no_answer_could_repeat_is_an_error(api):
    answer = api.post(COUNTS, r'{"emailIds": ["a\ud800"]}', content_type="application/json")
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_counts_without_a_key_and_without_the_scope_to_read(client, client_for, user):
    answer = client.post(COUNTS)
    assert (answer.status_code, answer.json()) == (401, {"success": False, "error": "Unauthorized"})
    answer = client_for(user, Scope.WRITE).post(COUNTS, {"emailIds": []})
    assert (answer.status_code, answer.json()["success"]) == (403, False)
    assert client_for(user, Scope.READ).post(COUNTS, {"emailIds": []}).status_code == 200


def test_a_thousand_emails_are_counted_in_a_few_statements(api, domain, conversation, django_assert_max_num_queries):
    pks = [email.pk for email in conversation] + ["nothing"] * 997
    api.get(URL)  # records the use of the key
    with django_assert_max_num_queries(5):
        assert len(counts(api, *pks)) == 1000
