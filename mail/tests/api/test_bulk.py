"""POST /mail/bulk."""

from __future__ import annotations

import pytest

from inbound.models import Scope
from inbound.tests.support.factories import DomainFactory
from mail.models import ReceivedEmail
from mail.tests.inbox import URL, received

pytestmark = pytest.mark.sqlite

BULK = f"{URL}/bulk"
READ = {"isRead": True}


def test_emails_are_marked_and_answered_in_the_order_of_the_request(api, domain):
    emails = [received(domain) for _ in range(3)]
    ids = [emails[1].pk, emails[0].pk]
    answer = api.post(BULK, {"emailIds": ids, "updates": {"isArchived": True}})
    assert (answer.status_code, answer.json()) == (
        200,
        {"updatedCount": 2, "emails": [{"id": pk, "isRead": False, "isArchived": True} for pk in ids]},
    )
    assert [*ReceivedEmail.objects.filter(is_archived=False)] == [emails[2]]
    assert not ReceivedEmail.objects.filter(is_archived=True, archived_at=None).exists()


def test_unknown_and_foreign_ids_are_skipped_and_repeated_ones_count_once(api, domain):
    email, foreign = received(domain), received(DomainFactory())
    ids = ["nothing", foreign.pk, email.pk, "a\0b", "\N{SNOWMAN}", email.pk]
    answer = api.post(BULK, {"emailIds": ids, "updates": READ}).json()
    assert answer == {"updatedCount": 1, "emails": [{"id": email.pk, "isRead": True, "isArchived": False}]}
    foreign.refresh_from_db()
    assert not foreign.is_read


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "emailIds must be an array"),
        ({"emailIds": "a", "updates": 1}, "emailIds must be an array"),
        ({"emailIds": [], "updates": 1}, "At least one email ID must be provided"),
        ({"emailIds": [1] * 101, "updates": 1}, "Cannot update more than 100 emails at once"),
        ({"emailIds": [1]}, "updates object is required"),
        ({"emailIds": [1], "updates": []}, "updates object is required"),
        ({"emailIds": [1], "updates": None}, "updates object is required"),
        ({"emailIds": [1], "updates": {"isArchived": 1, "isRead": 1}}, "updates.isRead must be a boolean"),
        ({"emailIds": [1], "updates": {"isArchived": None}}, "updates.isArchived must be a boolean"),
        ({"emailIds": [1], "updates": {}}, "At least one update field (isRead or isArchived) must be provided"),
        ({"emailIds": [1], "updates": READ}, "All email IDs must be non-empty strings"),
        ({"emailIds": ["a", " "], "updates": READ}, "All email IDs must be non-empty strings"),
    ],
)
def test_errors_in_the_order_of_the_contract(api, body, error):
    answer = api.post(BULK, body)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.postgresql
def test_a_hundred_emails_take_as_many_statements_as_one(api, domain, django_assert_num_queries):
    emails = [received(domain).pk for _ in range(100)]
    api.get(URL)
    for ids in (emails[:1], emails):
        # The key, the lock, the marks and the audit log; and the transaction begins and ends.
        with django_assert_num_queries(4 + 2):
            assert api.post(BULK, {"emailIds": ids, "updates": READ}).json()["updatedCount"] == len(ids)


def test_a_repeated_request_with_a_key_is_carried_out_once(api, domain):
    email = received(domain)
    body = {"emailIds": [email.pk], "updates": READ}
    first = api.post(BULK, body, HTTP_IDEMPOTENCY_KEY="k").json()
    ReceivedEmail.objects.update(is_read=False)
    assert api.post(BULK, body, HTTP_IDEMPOTENCY_KEY="k").json() == first
    assert not ReceivedEmail.objects.get().is_read


def test_bulk_needs_the_scope_to_write(client_for, user, domain):
    body = {"emailIds": [received(domain).pk], "updates": READ}
    assert client_for(user, Scope.READ).post(BULK, body).status_code == 403
    assert client_for(user, Scope.WRITE).post(BULK, body).status_code == 200
