"""Erasure of one received email."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.aws import store_mail, stored_keys
from inbound.tests.support.factories import ReceivedEmailFactory
from mail.erasure.marking import KEPT
from mail.erasure.one import erase_email
from mail.erasure.task import run_erasures
from mail.models import Message, ReceivedEmail
from mail.tests.erasure.mails import make_due, received
from ses_integration.aws import clients
from ses_integration.emulator.server import Emulator

pytestmark = pytest.mark.sqlite

MARKER = "q7marker"


def s3_calls(ses: Emulator) -> list[str]:
    return [entry["action"] for entry in ses.journal() if entry["service"] == "s3"]


def test_the_stored_mail_is_gone_when_the_answer_says_so(domain: Domain, ses: Emulator) -> None:
    email, other = received(domain), received(domain)
    ses.clear_journal()
    assert erase_email(email) == "erased"
    assert s3_calls(ses) == ["ListObjectVersions", "DeleteObjects"]
    assert stored_keys() == [other.message.key]
    assert ReceivedEmail.objects.get() == other
    assert Message.objects.live().get() == other.message


def test_a_mail_stays_as_long_as_another_recipient_has_it(domain: Domain, ses: Emulator) -> None:
    email = received(domain)
    other = ReceivedEmailFactory(message=email.message)
    ses.clear_journal()
    assert erase_email(email) == "erased"
    assert s3_calls(ses) == []
    assert Message.objects.get().state == Message.State.INGESTED
    assert erase_email(other) == "erased"
    assert stored_keys() == []


def test_nothing_readable_remains_in_the_row(domain: Domain, ses: Emulator) -> None:
    email = received(domain, **_marked_values())
    ses.add_faults({"service": "s3", "action": "*", "fault": "error", "status": 503, "code": "SlowDown", "times": None})
    assert erase_email(email) == "owed"
    row = Message.objects.filter(pk=email.message_id).values().get()
    assert MARKER not in str(row)
    kept = {name for name, value in row.items() if value not in (None, "", [], {}, 0)}
    assert kept <= KEPT | {"domain_id", "state", "attempts", "problem", "retry_at"}


def _marked_values() -> dict[str, Any]:
    """A value with the marker for every column that can hold text, apart from those that the eraser needs."""
    values: dict[str, Any] = {}
    for field in Message._meta.concrete_fields:
        if field.name in KEPT or field.choices:
            continue
        if isinstance(field, models.JSONField):
            values[field.name] = [MARKER]
        elif isinstance(field, models.CharField | models.TextField):
            values[field.name] = MARKER[: field.max_length]
        elif isinstance(field, models.DateTimeField):
            values[field.name] = timezone.now()
    assert {"subject", "text", "html", "attachments", "headers", "addresses", "from_address"} <= values.keys()
    return values | {"size": 5, "attachment_count": 2, "erased_at": None}


def test_the_row_is_there_at_every_call_to_s3(domain: Domain, ses: Emulator) -> None:
    email = received(domain)
    states: list[tuple[str, str]] = []

    def look(model: Any, **_: Any) -> None:
        states.append((model.name, Message.objects.get(pk=email.message_id).state))

    events = clients.s3("eu-west-1", 2).meta.events
    events.register("before-call.s3", look)
    try:
        assert erase_email(email) == "erased"
    finally:
        events.unregister("before-call.s3", look)
    assert states == [("ListObjectVersions", "erasing"), ("DeleteObjects", "erasing")]


@pytest.mark.parametrize("action", ["ListObjectVersions", "DeleteObjects"])
def test_what_s3_does_not_confirm_is_owed_and_done_later(domain: Domain, ses: Emulator, action: str) -> None:
    email = received(domain)
    ses.add_faults(
        {"service": "s3", "action": action, "fault": "error", "status": 503, "code": "SlowDown", "times": None}
    )
    assert erase_email(email) == "owed"
    message = Message.objects.get()
    assert (message.state, message.attempts, message.erased_at) == (Message.State.ERASING, 1, None)
    assert message.problem
    assert not ReceivedEmail.objects.exists()
    ses.clear_faults()
    make_due()
    assert run_erasures() == 1
    assert stored_keys() == []
    assert Message.objects.get().problem == ""


def test_mail_that_another_process_has_erased_meanwhile_is_erased(domain: Domain, ses: Emulator) -> None:
    email = received(domain)
    assert erase_email(ReceivedEmail.objects.get()) == "erased"
    assert erase_email(email) == "erased"
    Message.objects.all().delete()
    assert erase_email(email) == "erased"


def test_the_row_stays_until_no_notification_can_tell_of_the_mail(domain: Domain, ses: Emulator) -> None:
    now = timezone.now()
    new, old = (received(domain, arrived_at=now - timedelta(days=days)) for days in (1, 30))
    erase_email(new)
    erase_email(old)
    at = Message.objects.filter(retry_at=now + timedelta(days=14))
    assert at.get().pk == new.message_id
    soon = (now + timedelta(hours=1), now + timedelta(hours=1, minutes=1))
    assert Message.objects.get(retry_at__range=soon).pk == old.message_id
    ses.clear_journal()
    assert run_erasures() == 0
    assert Message.objects.count() == 2
    make_due()
    assert run_erasures() == 0
    assert s3_calls(ses) == []
    assert not Message.objects.exists()


def test_mail_that_several_rules_store_is_erased_once_more_when_none_can_store_it_late(domain: Domain) -> None:
    now = timezone.now()
    email = received(domain, arrived_at=now)
    erase_email(email)
    assert Message.objects.get().retry_at == now + timedelta(hours=4)
    store_mail(email.message.key)
    Message.objects.update(arrived_at=now - timedelta(hours=4, seconds=1), retry_at=now - timedelta(seconds=1))
    Message.objects.update(erased_at=now - timedelta(minutes=1))
    assert run_erasures() == 1
    assert stored_keys() == []
    assert Message.objects.get().retry_at == now + timedelta(days=14, hours=20, seconds=-1)
