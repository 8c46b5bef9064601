"""GET /mail/{id}/raw."""

from __future__ import annotations

import os

import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import UserFactory
from mail.models import ReceivedEmail
from mail.tests.inbox import RAW, URL, received, stored
from ses_integration.errors import SesError

pytestmark = pytest.mark.sqlite


def raw(client, email: ReceivedEmail, query: str = ""):
    return client.get(f"{URL}/{email.pk}/raw{query}")


def test_the_stored_message_is_sent_as_it_is(api, domain):
    email = stored(domain, RAW)
    answer = raw(api, email)
    assert answer.status_code == 200
    assert answer.getvalue() == RAW
    assert dict(answer.items()) | {
        "Content-Type": "message/rfc822",
        "Content-Length": str(len(RAW)),
        "Content-Disposition": f"attachment; filename=\"{email.pk}.eml\"; filename*=UTF-8''{email.pk}.eml",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    } == dict(answer.items())


def test_a_large_message_is_streamed_in_pieces(api, domain):
    content = os.urandom(5 * 1024 * 1024)
    answer = raw(api, stored(domain, content, attachments=[]))
    pieces = list(answer)
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 256 * 1024


def test_downloading_does_not_mark_the_email_as_read(api, domain):
    raw(api, stored(domain, RAW)).close()
    assert not ReceivedEmail.objects.get().is_read


def test_head_has_the_same_headers_and_no_body(api, domain):
    email = stored(domain, RAW)
    got, head = raw(api, email), api.head(f"{URL}/{email.pk}/raw")
    got.close()
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.items()) == {**dict(got.items()), "X-Request-Id": head["X-Request-Id"]}


def test_a_message_that_s3_does_not_have_is_410(api, domain):
    answer = raw(api, received(domain))
    assert (answer.status_code, answer.json()) == (410, {"error": "Stored message is gone"})


@pytest.mark.parametrize("fault", [{"fault": "error", "status": 503, "code": "SlowDown"}, {"fault": "lost"}])
def test_without_s3_the_answer_is_503_and_says_when_to_try_again(api, domain, ses, fault):
    email = stored(domain, RAW)
    ses.add_faults({"service": "s3", "action": "*", "times": None, **fault})
    answer = raw(api, email)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json() == {"error": "The mail store does not answer at the moment. Try again in a few seconds."}


def test_a_message_that_is_cut_on_the_way_is_never_taken_for_the_whole(api, domain, ses):
    email = stored(domain, os.urandom(1024 * 1024), attachments=[])
    ses.add_faults({"service": "s3", "action": "GetObject", "fault": "cut_body"})
    answer = raw(api, email)
    assert (answer.status_code, answer["Content-Length"]) == (200, str(1024 * 1024))
    # The server closes the connection, so that the client sees that bytes are missing.
    with pytest.raises(SesError):
        answer.getvalue()
    answer.close()


def test_a_mail_with_a_virus_needs_to_be_asked_for(api, domain):
    email = stored(domain, RAW, virus="FAIL")
    answer = raw(api, email)
    error = "SES found a virus in this mail. Add ?unsafe=true to download it all the same."
    assert (answer.status_code, answer.json()) == (403, {"error": error})
    assert raw(api, email, "?unsafe=true").getvalue() == RAW
    answer = raw(api, email, "?unsafe=1")
    assert (answer.status_code, answer.json()) == (400, {"error": "unsafe must be true or false"})


@pytest.mark.parametrize("virus", ["", "PASS", "GRAY", "PROCESSING_FAILED"])
def test_only_a_virus_that_was_found_counts(api, domain, virus):
    assert raw(api, stored(domain, RAW, virus=virus)).getvalue() == RAW


def test_another_users_message_is_404_and_so_is_that_of_a_domain_being_deleted(api, client_for, domain):
    email = stored(domain, RAW)
    answer = raw(client_for(UserFactory()), email)
    assert (answer.status_code, answer.json()) == (404, {"error": "Email not found"})
    Domain.objects.update(deleting_since=timezone.now())
    assert raw(api, email).status_code == 404


def test_a_download_needs_the_scope_to_read(client_for, user, domain):
    email = stored(domain, RAW)
    assert raw(client_for(user, Scope.WRITE), email).status_code == 403
    assert raw(client_for(user, Scope.READ), email).getvalue() == RAW


def test_an_idempotency_key_changes_nothing(api, domain):
    email = stored(domain, RAW)
    for _ in range(2):
        assert api.get(f"{URL}/{email.pk}/raw", HTTP_IDEMPOTENCY_KEY="k").getvalue() == RAW
