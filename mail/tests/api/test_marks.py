"""PATCH /mail/{id}."""

from __future__ import annotations

import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import UserFactory
from mail.models import ReceivedEmail
from mail.tests.inbox import URL, received
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite


def test_a_mark_is_stamped_and_the_other_one_stays(api, domain):
    email = received(domain)
    answer = api.patch(f"{URL}/{email.pk}", {"isRead": True})
    email.refresh_from_db()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": email.pk,
            "isRead": True,
            "isArchived": False,
            "readAt": timestamp(email.read_at),
            "archivedAt": None,
        },
    )
    answer = api.patch(f"{URL}/{email.pk}", {"isArchived": True}).json()
    assert (answer["isRead"], answer["isArchived"]) == (True, True)
    assert answer["readAt"] == timestamp(email.read_at)
    assert answer["archivedAt"] is not None


def test_clearing_a_mark_clears_its_time(api, domain):
    email = received(domain)
    api.patch(f"{URL}/{email.pk}", {"isRead": True, "isArchived": True})
    answer = api.patch(f"{URL}/{email.pk}", {"isRead": False, "isArchived": False}).json()
    assert answer == {"id": email.pk, "isRead": False, "isArchived": False, "readAt": None, "archivedAt": None}


def test_setting_a_mark_again_stamps_it_anew(api, domain):
    email = received(domain)
    first = api.patch(f"{URL}/{email.pk}", {"isRead": True}).json()["readAt"]
    ReceivedEmail.objects.update(read_at=timezone.now().replace(year=2020))
    assert api.patch(f"{URL}/{email.pk}", {"isRead": True}).json()["readAt"] >= first


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "At least one field (isRead or isArchived) must be provided"),
        ({"other": 1}, "At least one field (isRead or isArchived) must be provided"),
        ({"isRead": "true"}, "isRead must be a boolean"),
        ({"isRead": None}, "isRead must be a boolean"),
        ({"isArchived": 1}, "isArchived must be a boolean"),
        ({"isArchived": 1, "isRead": 1}, "isRead must be a boolean"),
        ({"isArchived": 1, "isRead": True}, "isArchived must be a boolean"),
    ],
)
def test_errors(api, domain, body, error):
    email = received(domain)
    answer = api.patch(f"{URL}/{email.pk}", body)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    email.refresh_from_db()
    assert not email.is_read
    assert not email.is_archived


def test_another_users_email_is_404_and_stays(client_for, domain):
    email = received(domain)
    stranger = client_for(UserFactory())
    for pk in (email.pk, "nothing"):
        answer = stranger.patch(f"{URL}/{pk}", {"isRead": True})
        assert (answer.status_code, answer.json()) == (404, {"error": "Email not found"})
    assert not ReceivedEmail.objects.get().is_read


def test_mail_of_a_domain_that_is_being_deleted_cannot_be_marked(api, domain):
    email = received(domain)
    Domain.objects.update(deleting_since=timezone.now())
    assert api.patch(f"{URL}/{email.pk}", {"isRead": True}).status_code == 404
    assert api.post(f"{URL}/bulk", {"emailIds": [email.pk], "updates": {"isRead": True}}).json()["updatedCount"] == 0
    assert not ReceivedEmail.objects.get().is_read


def test_marks_need_the_scope_to_write(client_for, user, domain):
    email = received(domain)
    for scope, status in ((Scope.READ, 403), (Scope.DELETE, 403), (Scope.WRITE, 200)):
        assert client_for(user, scope).patch(f"{URL}/{email.pk}", {"isRead": True}).status_code == status


def test_put_is_no_method_of_an_email(api, domain):
    answer = api.put(f"{URL}/{received(domain).pk}", {"isRead": True})
    assert (answer.status_code, answer["Allow"]) == (405, "GET, DELETE, HEAD, OPTIONS, PATCH")
