"""The cost of reading, marking and deleting received mail."""

from __future__ import annotations

import pytest

from inbound.tests.cost.checks import assert_cost
from mail.models import ReceivedEmail
from mail.tests.inbox import RAW, URL, stored

pytestmark = pytest.mark.postgresql

OTHER_EMAILS = 150


@pytest.fixture
def email(installation, ses) -> ReceivedEmail:
    """An email among others, more in a large installation."""
    email = stored(installation.domain, RAW, attachments=[])
    others = [stored(installation.domain, b"", attachments=[]) for _ in range(1 + bool(installation.others))]
    ReceivedEmail.objects.bulk_create(
        ReceivedEmail(
            message=row.message,
            domain=row.domain,
            owner=row.owner,
            recipient=f"r{number}@example.com",
            arrived_at=row.arrived_at,
        )
        for row in others
        for number in range(OTHER_EMAILS if installation.others else 1)
    )
    return email


def test_a_list(ses, api, email):
    assert_cost(
        ses,
        "List received mail",
        lambda: api.get(URL),
        """
        authenticate the key
        count the mail of each domain
        count the mail of a part of an hour
        read a page of mail
        """,
    )


def test_a_search(ses, api, email):
    assert_cost(
        ses,
        "List received mail",
        lambda: api.get(f"{URL}?search=hello"),
        """
        authenticate the key
        count the mail of each domain
        count the mail that a search finds
        read a page of mail
        """,
    )


def test_an_email(ses, api, email):
    assert_cost(
        ses,
        "Show an email for the first time",
        lambda: api.get(f"{URL}/{email.pk}"),
        """
        authenticate the key
        find the email among the caller's own
        mark the emails
        -- commit
        -- call GetObject
        count the deliveries of the email
        """,
    )
    assert_cost(
        ses,
        "Show an email for the first time",
        lambda: api.get(f"{URL}/{email.pk}"),
        """
        authenticate the key
        find the email among the caller's own
        -- call GetObject
        count the deliveries of the email
        """,
    )


def test_marks(ses, api, email):
    ids = list(ReceivedEmail.objects.values_list("pk", flat=True)[:100])
    for some in (ids[:1], ids):
        assert_cost(
            ses,
            "Mark 1 to 100 emails",
            lambda some=some: api.post(f"{URL}/bulk", {"emailIds": some, "updates": {"isArchived": True}}),
            """
            authenticate the key
            lock the emails to be marked
            mark the emails
            add to the audit log
            -- commit
            """,
        )


def test_deleting(ses, api, email):
    assert_cost(
        ses,
        "Delete an email",
        lambda: api.delete(f"{URL}/{email.pk}"),
        """
        authenticate the key
        find the email among the caller's own
        lock the message
        look for other recipients
        lock the emails of the message
        lock the deliveries
        delete the attempts at deliveries
        delete who the deliveries forwarded to
        delete the deliveries
        delete all emails of the message
        delete the messages' place in threads
        blank the message, which is to be erased
        add to the audit log
        -- commit
        -- call ListObjectVersions
        -- call DeleteObjects
        record that the stored message is erased
        -- commit
        """,
    )
