"""`mail_show` tells everything about one mail, whichever of its ids is given."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inbound.tests.support.factories import DeliveryFactory, DomainFactory, EndpointFactory, ReceivedEmailFactory
from mail.models import Delivery, DeliveryAttempt, EndpointGate, ForwardRecipient, MessageReference, ReceivedEmail
from mail.routing.route import Matched, Reason
from mail.routing.wording import REASONS
from mail.tests.commands.run import run
from mail.threads.references import digests

pytestmark = pytest.mark.sqlite

AT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def mail(recipient: str = "hello@example.com", **values: Any) -> ReceivedEmail:
    known = {
        "message__domain__name": "example.com",
        "message__arrived_at": AT,
        "message__rfc_id": "<1@example.net>",
        "message__ses_id": "ses-1",
        "message__text": "The text",
    }
    row: ReceivedEmail = ReceivedEmailFactory(recipient=recipient, **(known | values))
    MessageReference.objects.create(message=row.message, digest=next(iter(digests(["1@example.net"]))), is_own=True)
    return row


def delivery(email: ReceivedEmail, **values: Any) -> Delivery:
    row: Delivery = DeliveryFactory(received=email, endpoint__name="Shop", **values)
    return row


def test_each_id_finds_the_mail(db) -> None:
    email = mail()
    sent = delivery(email)
    for identifier in (email.pk, "ses-1", sent.pk, f"msg_{sent.pk}", "<1@example.net>", "1@EXAMPLE.net"):
        code, said = run("mail_show", identifier)
        assert (code, said.splitlines()[0]) == (0, "Mail ses-1 of example.com")


@pytest.mark.parametrize("identifier", ["nothing", "", "<2@example.net>"])
def test_an_unknown_id_is_an_error_that_says_where_to_look(db, identifier: str) -> None:
    mail()
    with pytest.raises(CommandError, match=r"No mail has this id. .* mail_worker --once --sweep"):
        run("mail_show", identifier)


def test_mail_of_a_domain_that_is_being_deleted_is_not_there(db) -> None:
    mail(message__domain=DomainFactory(name="gone.example.com", deleting_since=timezone.now()))
    with pytest.raises(CommandError):
        run("mail_show", "ses-1")


def test_arrival_verdicts_and_place_are_shown_without_the_text(db) -> None:
    mail(message__virus="PASS", message__spf="FAIL", message__ingested_at=AT, message__parse_seconds=0.0021)
    said = run("mail_show", "ses-1")[1]
    for line in (
        "  Subject     Hello",
        "  From        jo@example.net",
        "  Message-ID  <1@example.net>",
        "  Verdicts    SPAM unknown, VIRUS PASS, SPF FAIL, DKIM unknown, DMARC unknown",
        "  Read        2026-11-26 09:30:00 UTC in 2 ms, 0 attachments",
    ):
        assert line in said.splitlines()
    assert "s3://inbound-mail/" in said
    assert "The text" not in said


def test_the_text_is_shown_if_asked_for(db) -> None:
    mail()
    assert run("mail_show", "ses-1", "--text")[1].endswith("Text:\nThe text\n")


def test_each_recipient_has_its_route_in_words(db) -> None:
    route = {"matched": None, "endpointId": None, "reason": "no_route"}
    email = mail(disposition="stored", route=route)
    ReceivedEmailFactory(message=email.message, recipient="info@example.com")
    lines = run("mail_show", email.pk)[1].splitlines()
    at = lines.index(f"Recipient hello@example.com, email {email.pk}")
    assert lines[at + 1] == "  Route       Stored only. No address matches, and the domain has no catch-all."
    assert lines[at + 4] == "  Route       Not routed yet. It is routed when it has been read."


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) == {*Matched, *Reason}
    assert all(text.endswith(".") for text in REASONS.values())


def test_every_attempt_is_shown(db) -> None:
    sent = delivery(mail(), state="dead", attempts=2, finished_at=AT, retry_at=None, problem="It answered 503.")
    for number in (1, 2):
        DeliveryAttempt.objects.create(
            delivery=sent, number=number, at=AT, seconds=0.25, status_code=503, error="It answered 503.", excerpt="Busy"
        )
    lines = run("mail_show", sent.pk)[1].splitlines()
    at = lines.index(f"  Delivery    {sent.pk} to Shop (webhook, id {sent.endpoint_id})")
    assert [line.strip() for line in lines[at + 1 : at + 5]] == [
        "given up at 2026-11-26 09:30:00 UTC after 2 attempts",
        "It answered 503.",
        '2026-11-26 09:30:00 UTC attempt 1, 250 ms, 503, It answered 503., "Busy"',
        '2026-11-26 09:30:00 UTC attempt 2, 250 ms, 503, It answered 503., "Busy"',
    ]


def test_every_member_of_a_forward_is_shown(db) -> None:
    sent = delivery(mail(), state="delivered", attempts=1, finished_at=AT, retry_at=None)
    ForwardRecipient.objects.create(delivery=sent, address="a@x.example", state="sent", sent_at=AT, ses_message_id="s1")
    ForwardRecipient.objects.create(delivery=sent, address="b@x.example", state="failed", error="Refused.")
    lines = [line.strip() for line in run("mail_show", sent.pk)[1].splitlines()]
    assert lines[-2:] == ["a@x.example: sent, 2026-11-26 09:30:00 UTC, s1", "b@x.example: failed, Refused."]


def test_a_due_delivery_says_what_it_waits_for(db) -> None:
    later = timezone.now() + timedelta(hours=1)

    def said(row: Delivery) -> str:
        lines = run("mail_show", row.pk)[1].splitlines()
        return lines[[line.startswith("  Delivery") for line in lines].index(True) + 1].strip()

    row = delivery(mail())
    assert said(row) == "due: attempt 1 is now"
    Delivery.objects.update(retry_at=later, attempts=2)
    assert said(row) == f"due: attempt 3 is at {later:%Y-%m-%d %H:%M:%S} UTC"
    Delivery.objects.update(leased_until=later)
    assert said(row) == "due: attempt 2 is being made"
    Delivery.objects.update(leased_until=None, retry_at=timezone.now())
    EndpointGate.objects.create(endpoint=row.endpoint, not_before=later, down_since=AT)
    assert said(row) == f"due: attempt 3 waits for the endpoint, which is down until {later:%Y-%m-%d %H:%M:%S} UTC"
    type(row.endpoint).objects.update(is_active=False)
    assert said(row) == "held: attempt 3 waits until the endpoint is switched on"


def test_texts_of_strangers_cannot_change_the_terminal(db) -> None:
    bad = "\x1b[2Jx\u202e\ny"
    email = mail(message__subject=bad, message__from_name=bad, message__envelope_from=bad, message__text=bad)
    sent = delivery(email, problem=bad)
    DeliveryAttempt.objects.create(delivery=sent, number=1, error=bad, excerpt=bad)
    ForwardRecipient.objects.create(delivery=sent, address="a@x.example", error=bad)
    said = run("mail_show", email.pk, "--text")[1]
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\\x1b[2Jx\\u202e y" in said


def test_an_erased_mail_says_so(db) -> None:
    email = mail(message__state="erasing", message__erased_at=AT)
    assert run("mail_show", "ses-1")[1].splitlines()[1] == "  Erased      its rows are blank; the bucket is empty"
    assert email.pk


def test_it_needs_as_many_statements_for_many_deliveries(db) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            run("mail_show", "ses-1")
        return len(captured)

    email = mail()
    delivery(email)
    few = statements()
    for number in range(5):
        other = ReceivedEmailFactory(message=email.message)
        for _ in range(3):
            sent = delivery(other, endpoint=EndpointFactory())
            DeliveryAttempt.objects.create(delivery=sent, number=number)
    assert statements() == few


def test_json_has_the_members_of_the_api(user, api, capsys) -> None:
    email = mail(message__domain=DomainFactory(name="example.com", owner=user), disposition="routed")
    sent = delivery(email, state="dead", finished_at=AT, retry_at=None, problem="It answered 503.")
    DeliveryAttempt.objects.create(delivery=sent, number=1, at=AT, status_code=503)
    call_command("mail_show", "ses-1", "--json")
    [values] = json.loads(capsys.readouterr().out)["mails"]
    of_api = api.get(f"/api/v2/mail/{email.pk}?peek=true").json()
    same = ("messageId", "subject", "from", "fromName", "security")
    assert {name: values[name] for name in same} == {name: of_api[name] for name in same}
    [shown] = values["emails"]
    assert {name: shown[name] for name in ("id", "recipient", "status")} == {
        "id": email.pk, "recipient": "hello@example.com", "status": "failed",
    }  # fmt: skip
    assert shown["deliveries"] == api.get(f"/api/v2/mail/{email.pk}/deliveries").json()["data"]
    assert (values["arrivedAt"], values["bucketName"]) == ("2026-11-26T09:30:00.000Z", "inbound-mail")
    assert "textBody" not in values
    call_command("mail_show", "ses-1", "--json", "--text")
    assert json.loads(capsys.readouterr().out)["mails"][0]["textBody"] == "The text"
