"""GET /mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import DomainFactory, UserFactory
from mail.models import Message, ReceivedEmail
from mail.tests.inbox import URL, received
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["emails"]]


def aged(domain: Domain, *ages: timedelta) -> list[ReceivedEmail]:
    return [received(domain, arrived_at=timezone.now() - age) for age in ages]


def test_an_email_has_every_field_of_the_contract(api, domain):
    sent = timezone.now() - timedelta(minutes=5)
    email = received(
        domain, rfc_id="<a@b>", subject="Hi", from_address="jo@x.org", from_name="Jo", preview="Hello", sent_at=sent,
        attachment_count=2,
    )  # fmt: skip
    assert api.get(URL).json() == {
        "emails": [
            {
                "id": email.pk,
                "emailId": email.pk,
                "messageId": "<a@b>",
                "subject": "Hi",
                "from": "jo@x.org",
                "fromName": "Jo",
                "recipient": "hello@example.com",
                "preview": "Hello",
                "receivedAt": timestamp(sent),
                "isRead": False,
                "readAt": None,
                "isArchived": False,
                "archivedAt": None,
                "hasAttachments": True,
                "attachmentCount": 2,
                "parseSuccess": True,
                "parseError": None,
                "createdAt": timestamp(email.arrived_at),
                "status": "received",
                "route": None,
            }
        ],
        "pagination": {"total": 1, "limit": 50, "offset": 0, "hasMore": False},
        "filters": {"uniqueDomains": ["example.com"], "hiddenOlder": 0},
    }


def test_an_email_that_says_nothing_has_the_defaults(api, domain):
    email = received(domain, subject="", from_address="", state=Message.State.ARRIVED)
    ReceivedEmail.objects.update(recipient="")
    (shown,) = api.get(URL).json()["emails"]
    assert (shown["subject"], shown["from"], shown["recipient"]) == ("No Subject", "unknown", "unknown")
    assert (shown["messageId"], shown["fromName"], shown["preview"]) == (None, None, "")
    assert shown["receivedAt"] == shown["createdAt"] == timestamp(email.arrived_at)
    assert (shown["parseSuccess"], shown["parseError"], shown["hasAttachments"]) == (None, None, False)


def test_without_mail_the_list_is_empty(api, domain):
    assert api.get(URL).json() == {
        "emails": [],
        "pagination": {"total": 0, "limit": 50, "offset": 0, "hasMore": False},
        "filters": {"uniqueDomains": [], "hiddenOlder": 0},
    }


def test_the_order_is_newest_first_and_then_by_id(api, domain):
    now = timezone.now()
    rows = [received(domain, arrived_at=now - timedelta(seconds=seconds)) for seconds in (2, 0, 1, 1)]
    expected = [row.pk for row in sorted(rows, key=lambda row: (row.arrived_at, row.pk), reverse=True)]
    assert ids(api.get(URL)) == expected
    assert [ids(api.get(f"{URL}?limit=1&offset={n}"))[0] for n in range(4)] == expected


def test_pages(api, domain):
    aged(domain, *(timedelta(minutes=n) for n in range(5)))
    page = api.get(f"{URL}?limit=2&offset=2").json()
    assert page["pagination"] == {"total": 5, "limit": 2, "offset": 2, "hasMore": True}
    assert len(page["emails"]) == 2
    assert api.get(f"{URL}?offset=5").json()["emails"] == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=0", "Limit must be between 1 and 100"),
        ("limit=101", "Limit must be between 1 and 100"),
        ("limit=x", "Limit must be between 1 and 100"),
        ("offset=-1", "Offset must be non-negative"),
        ("emailAddress=a@b.c&emailId=x", "Cannot filter by both emailAddress and emailId at the same time"),
        ("includeArchived=yes", "includeArchived must be true or false"),
    ],
)
def test_errors(api, query, error):
    answer = api.get(f"{URL}?{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.parametrize(
    ("query", "number"),
    [("", 3), ("timeRange=24h", 1), ("timeRange=7d", 2), ("timeRange=30d", 3), ("timeRange=90d", 4), ("timeRange=all", 5)],
)  # fmt: skip
def test_a_time_range_shows_the_mail_since_then_and_counts_the_older(api, domain, query, number):
    hour = timedelta(hours=1)
    aged(domain, 23 * hour, 6.9 * 24 * hour, 29.99 * 24 * hour, 89 * 24 * hour, 91 * 24 * hour)
    answer = api.get(f"{URL}?{query}").json()
    assert len(answer["emails"]) == answer["pagination"]["total"] == number
    assert answer["filters"]["hiddenOlder"] == 5 - number


def test_the_boundary_of_a_time_range_is_exact(api, domain):
    day, minute = timedelta(days=1), timedelta(minutes=1)
    aged(domain, *(day + n * 7 * minute for n in range(-10, 10)))
    answer = api.get(f"{URL}?timeRange=24h").json()
    assert len(answer["emails"]) == answer["pagination"]["total"] == 10


def test_archived_mail_is_hidden_unless_it_is_asked_for(api, domain):
    shown, hidden, _ = aged(domain, timedelta(0), timedelta(hours=5), timedelta(days=40))
    ReceivedEmail.objects.exclude(pk=shown.pk).update(is_archived=True)
    answer = api.get(URL)
    assert ids(answer) == [shown.pk]
    assert (answer.json()["pagination"]["total"], answer.json()["filters"]["hiddenOlder"]) == (1, 0)
    answer = api.get(f"{URL}?includeArchived=true")
    assert ids(answer) == [shown.pk, hidden.pk]
    assert (answer.json()["pagination"]["total"], answer.json()["filters"]["hiddenOlder"]) == (2, 1)


def test_a_domain_is_that_of_the_envelope(api, user, domain):
    email, other = received(domain), received(DomainFactory(owner=user, name="other.example.org"))
    assert ids(api.get(f"{URL}?domain=Example.com")) == [email.pk]
    answer = api.get(f"{URL}?domain=all").json()
    assert (answer["pagination"]["total"], answer["filters"]["uniqueDomains"]) == (
        2,
        ["example.com", "other.example.org"],
    )
    assert ids(api.get(f"{URL}?domain=other.example.org")) == [other.pk]
    unknown = api.get(f"{URL}?domain=unknown.example").json()
    assert (unknown["emails"], unknown["pagination"]["total"]) == ([], 0)


def test_two_recipients_of_one_mail_are_two_emails(api, domain):
    email = received(domain)
    other = ReceivedEmail.objects.create(
        message=email.message, domain=domain, owner=email.owner, recipient="b@example.com", arrived_at=email.arrived_at
    )
    assert {*ids(api.get(URL))} == {email.pk, other.pk}


def test_mail_of_a_domain_that_is_being_deleted_is_gone_at_once(api, domain):
    email = received(domain)
    Domain.objects.update(deleting_since=timezone.now())
    answer = api.get(URL).json()
    assert (answer["emails"], answer["pagination"]["total"], answer["filters"]["uniqueDomains"]) == ([], 0, [])
    assert api.get(f"{URL}?search=Hello").json()["pagination"]["total"] == 0
    assert api.get(f"{URL}/{email.pk}").status_code == 404
    Domain.objects.all().delete()
    assert api.get(URL).json()["pagination"]["total"] == 0


def test_another_users_mail_is_not_listed(client_for, domain):
    email = received(domain)
    stranger = client_for(UserFactory())
    for query in (
        "",
        "?domain=example.com",
        "?search=Hello",
        f"?emailId={email.pk}",
        "?emailAddress=hello@example.com",
    ):
        answer = stranger.get(URL + query).json()
        assert (answer["emails"], answer["pagination"]["total"], answer["filters"]["uniqueDomains"]) == ([], 0, [])


def test_the_list_needs_the_scope_to_read(client_for, user):
    answer = client_for(user, Scope.WRITE).get(URL)
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'read' scope."})


def test_a_list_takes_four_statements_and_reads_no_body(api, domain):
    aged(domain, timedelta(0), timedelta(days=1))
    api.get(URL)
    for query in ("", "?search=hi", "?limit=1&offset=1", "?timeRange=all&includeArchived=true"):
        with CaptureQueriesContext(connection) as captured:
            assert api.get(URL + query).status_code == 200
        assert len(captured) <= 4
        page = captured[-1]["sql"]
        assert '"message_id"' in page
        for column in ("text", "html", "headers", "addresses", "attachments"):
            assert f'"mail_message"."{column}",' not in page.partition(" FROM ")[0]
