"""DELETE /mail/{id}."""

from __future__ import annotations

import pytest

from inbound.models import Scope
from inbound.tests.support.aws import stored_keys
from inbound.tests.support.factories import ReceivedEmailFactory, UserFactory
from mail.models import Message, ReceivedEmail
from mail.tests.inbox import RAW, URL, received, stored

pytestmark = pytest.mark.sqlite


def test_an_email_is_gone_at_once_with_its_stored_message(api, domain):
    email = stored(domain, RAW)
    answer = api.delete(f"{URL}/{email.pk}")
    assert (answer.status_code, answer.json()) == (
        200,
        {"message": "Email deleted successfully", "storedMail": "erased"},
    )
    assert stored_keys() == []
    assert api.get(URL).json()["pagination"]["total"] == 0
    for method in ("get", "delete", "patch"):
        answer = getattr(api, method)(f"{URL}/{email.pk}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Email not found"})


def test_without_s3_the_email_is_gone_and_the_stored_message_is_owed(api, domain, ses):
    email = stored(domain, RAW)
    ses.add_faults({"service": "s3", "action": "*", "fault": "error", "status": 503, "code": "SlowDown", "times": None})
    assert api.delete(f"{URL}/{email.pk}").json()["storedMail"] == "owed"
    assert Message.objects.get().state == Message.State.ERASING
    answer = api.get(URL).json()
    assert (answer["emails"], answer["pagination"]["total"]) == ([], 0)
    assert api.get(f"/api/v2/domains/{domain.pk}").json()["stats"]["emailsLast24h"] == 0
    assert api.get(f"{URL}/stats").json()["bytes"] == 0


def test_the_email_of_another_recipient_stays(api, domain):
    email = stored(domain, RAW)
    other = ReceivedEmailFactory(message=email.message)
    assert api.delete(f"{URL}/{email.pk}").json()["storedMail"] == "erased"
    assert [row["id"] for row in api.get(URL).json()["emails"]] == [other.pk]
    assert api.get(f"{URL}/{other.pk}/raw").getvalue() == RAW


def test_another_users_email_stays(client_for, domain):
    email = received(domain)
    answer = client_for(UserFactory()).delete(f"{URL}/{email.pk}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Email not found"})
    assert ReceivedEmail.objects.get() == email


def test_deleting_needs_the_scope(client_for, user, domain):
    email = stored(domain, RAW)
    for scope in (Scope.READ, Scope.WRITE):
        assert client_for(user, scope).delete(f"{URL}/{email.pk}").status_code == 403
    assert client_for(user, Scope.DELETE).delete(f"{URL}/{email.pk}").status_code == 200


def test_asking_for_a_dry_run_deletes_nothing(api, domain):
    email = received(domain)
    error = "dry_run is not a query parameter of this call. It takes: none. Nothing was changed."
    answer = api.delete(f"{URL}/{email.pk}?dry_run=true")
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert api.delete(f"{URL}/{email.pk}", {"dry_run": True}).status_code == 400
    assert ReceivedEmail.objects.get() == email
