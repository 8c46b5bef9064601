"""Nothing that a receiver answers or a stranger wrote runs on the pages of deliveries."""

from __future__ import annotations

import pytest
from django.test import Client

from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import DeliveryFactory
from mail.models import DeliveryAttempt, EndpointGate, ForwardRecipient, ReceivedEmail
from mail.tests.admin.hostile import PAYLOADS
from mail.tests.admin.mails import composed, received
from mail.tests.admin.test_hostile_mail import assert_harmless


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_answers_errors_and_subjects_are_text(admin_client: Client, domain, payload: str) -> None:
    text = payload.replace("\x00", "")
    header = text.replace("\x1b", "")
    email = received(domain, composed(header))
    ReceivedEmail.objects.update(disposition="routed", route={"reason": text})
    row = DeliveryFactory(
        received=email, problem=text[:500], response={"responseBody": text, text: text}, endpoint__name=text[:255],
        endpoint__type="email_group", endpoint__config={"emails": ["a@example.net"]}, endpoint_name=text[:255],
    )  # fmt: skip
    DeliveryAttempt.objects.create(delivery=row, number=1, error=text[:500], excerpt=text)
    ForwardRecipient.objects.create(
        delivery=row, address=text[:320], error=text[:500], ses_message_id=text[:255], state="failed"
    )
    EndpointGate.objects.create(endpoint=row.endpoint, problem=text[:500], failures=7)
    for path in (
        url("mail.delivery", "changelist"),
        url("mail.delivery", "change", row.pk),
        url("mail.endpointgate", "changelist"),
        url("mail.endpointgate", "change", row.endpoint_id),
        url("mail.receivedemail", "change", email.pk),
    ):
        assert_harmless(admin_client.get(path))


def test_an_answer_cannot_reorder_what_stands_around_it(admin_client: Client, domain) -> None:
    row = DeliveryFactory(problem="a\u202eb")
    DeliveryAttempt.objects.create(delivery=row, number=1, error="c\u202ed", excerpt="e\u202ef\ng")
    page = admin_client.get(url("mail.delivery", "change", row.pk)).content.decode()
    assert "\u202e" not in page
    assert "e\\u202ef g" in page
