"""`note` writes each mail once for each recipient, and nothing for a domain that is not live."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain, DomainDeletion
from inbound.tests.support.factories import DomainFactory
from mail.arrival.note import note
from mail.erasure.one import erase_email
from mail.models import Message, ReceivedEmail
from mail.tests.arrival.arrivals import NOON, arrival, listed
from ses_integration.api import Verdicts

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

QUEUE, SWEEP = Message.Source.QUEUE, Message.Source.SWEEP


@pytest.fixture
def domain(user: User) -> Domain:
    return DomainFactory(owner=user, name="example.com")


def test_a_mail_has_a_row_for_itself_and_one_for_each_recipient(domain: Domain) -> None:
    verdicts = Verdicts("PASS", "FAIL", "GRAY", "REJECT", "PASS", "PROCESSING_FAILED")
    told = arrival(
        domain, "one", "a@example.com", "b@example.com", size=3, verdicts=verdicts, envelope_from="bounce@x.example",
        subject="Hello", sender="Jo Doe <jo@x.example>", message_id="<1@x.example>",
    )  # fmt: skip
    noted = note([told], source=QUEUE)
    row = Message.objects.get()
    assert (noted.messages, noted.claimed, noted.duplicates, noted.dropped) == ([row.pk], [], 0, {})
    assert (row.domain_id, row.key, row.bucket, row.state) == (domain.pk, told.key, "inbound-mail", "arrived")
    assert (row.spf, row.dkim, row.dmarc, row.dmarc_policy) == ("PASS", "FAIL", "GRAY", "REJECT")
    assert (row.spam, row.virus, row.size, row.source) == ("PASS", "PROCESSING_FAILED", 3, "queue")
    assert (row.subject, row.from_name, row.from_address) == ("Hello", "Jo Doe", "jo@x.example")
    assert (row.rfc_id, row.envelope_from, row.arrived_at) == ("<1@x.example>", "bounce@x.example", NOON)
    assert (row.references, row.addresses, row.attachments, row.attempts) == ([], {}, [], 0)
    assert Message.objects.due().get() == row
    received = ReceivedEmail.objects.order_by("recipient")
    assert [it.recipient for it in received] == ["a@example.com", "b@example.com"]
    assert {(it.owner_id, it.domain_id, it.arrived_at) for it in received} == {(domain.owner_id, domain.pk, NOON)}


def test_a_claimed_mail_is_not_due_for_others(domain: Domain) -> None:
    noted = note([arrival(domain)], source=QUEUE, claim=timedelta(seconds=60))
    (claimed,) = noted.claimed
    row = Message.objects.get()
    assert (claimed.pk, claimed.attempts, claimed.key) == (row.pk, 1, row.key)
    assert (row.attempts, row.state) == (1, "arrived")
    assert not Message.objects.due().exists()
    assert row.retry_at is not None
    assert timedelta(seconds=50) < row.retry_at - timezone.now() <= timedelta(seconds=60)


def test_the_same_notification_five_times_in_one_batch_and_again_is_one_mail(domain: Domain) -> None:
    assert len(note([arrival(domain)] * 5, source=QUEUE).messages) == 1
    again = note([arrival(domain)] * 5, source=QUEUE)
    assert (again.messages, again.duplicates) == ([], 1)
    assert listed() == {("one", "hello@example.com")}


def test_two_mails_with_one_message_id_are_two(domain: Domain) -> None:
    """A sender chooses it, and could otherwise suppress the mail of somebody else by guessing theirs."""
    note([arrival(domain, ses_id, message_id="<1@x.example>") for ses_id in ("one", "two")], source=QUEUE)
    assert listed() == {("one", "hello@example.com"), ("two", "hello@example.com")}


def test_two_rules_for_one_mail_are_one_message_with_the_recipients_of_both(domain: Domain) -> None:
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    note([arrival(domain, "one", "b@example.com"), arrival(domain, "one", "c@example.com")], source=QUEUE)
    assert Message.objects.count() == 1
    assert listed() == {("one", f"{local}@example.com") for local in "abc"}


def test_recipients_are_compared_in_lower_case(domain: Domain) -> None:
    note([arrival(domain, "one", "A@Example.COM"), arrival(domain, "one", "a@example.com")], source=QUEUE)
    assert listed() == {("one", "a@example.com")}


def test_recipients_of_other_domains_are_left_out_and_counted(domain: Domain) -> None:
    foreign = ("a@example.org", "b@sub.example.com", "c@notexample.com", "example.com")
    noted = note([arrival(domain, "one", "a@example.com", *foreign)], source=QUEUE)
    assert noted.dropped == {"recipient of another domain": 4}
    assert listed() == {("one", "a@example.com")}


def test_a_notification_without_a_recipient_of_the_domain_writes_nothing(domain: Domain) -> None:
    assert note([arrival(domain, "one", "a@example.org")], source=QUEUE).messages == []
    assert (Message.objects.count(), listed()) == (0, set())


def test_mail_of_a_domain_that_is_being_deleted_writes_nothing(domain: Domain) -> None:
    Domain.objects.update(deleting_since=timezone.now())
    assert note([arrival(domain)], source=QUEUE).dropped == {"unknown domain": 1}
    DomainDeletion.objects.create(domain_id=domain.pk, name=domain.name)
    assert note([arrival(domain)], source=QUEUE).dropped == {"deleted domain": 1}
    assert not Message.objects.exists()


def test_late_mail_of_a_domain_that_was_added_again_does_not_reach_its_new_life(domain: Domain) -> None:
    late = arrival(domain)
    owner = domain.owner
    Domain.objects.all()._raw_delete("default")
    again = DomainFactory(owner=owner, name="example.com")
    noted = note([late, arrival(again, "two")], source=QUEUE)
    assert noted.dropped == {"unknown domain": 1}
    assert listed() == {("two", "hello@example.com")}


def test_a_message_that_names_a_domain_and_the_key_of_another_one_writes_nothing(domain: Domain) -> None:
    other = DomainFactory(name="example.org")
    forged = [
        arrival(domain, key=f"{other.key_prefix}one"),
        arrival(domain, key=f"emails/example.org/{domain.pk}/one"),
        arrival(domain, "a/b"),
        arrival(domain, ""),
        arrival(domain, "x" * 256),
    ]
    assert note(forged, source=QUEUE).dropped == {"another key than the domain's": 5}
    assert not Message.objects.exists()


def test_mail_in_another_bucket_is_told_again_and_the_rest_of_the_batch_is_noted(domain: Domain) -> None:
    noted = note([arrival(domain, bucket="other"), arrival(domain, "two")], source=QUEUE)
    assert noted.refused == {0}
    assert listed() == {("two", "hello@example.com")}


def test_only_a_sweep_may_know_no_recipient_and_a_notification_names_it_later(domain: Domain) -> None:
    note([arrival(domain, recipients=())], source=SWEEP)
    found = ReceivedEmail.objects.get()
    assert found.recipient == ""
    note([arrival(domain, "one", "a@example.com", "b@example.com")], source=QUEUE)
    assert listed() == {("one", "a@example.com"), ("one", "b@example.com")}
    # A client may have seen its id.
    assert ReceivedEmail.objects.filter(pk=found.pk).exists()
    note([arrival(domain, recipients=())], source=SWEEP)
    assert len(listed()) == 2


def test_a_row_without_recipient_goes_if_the_recipient_is_known_already(domain: Domain) -> None:
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    known = ReceivedEmail.objects.get()
    ReceivedEmail.objects.create(
        message=known.message, domain=domain, owner_id=domain.owner_id, recipient="", arrived_at=NOON
    )
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    assert listed() == {("one", "a@example.com")}


def test_mail_that_is_being_erased_gets_no_recipient(domain: Domain) -> None:
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    Message.objects.update(state=Message.State.ERASING)
    noted = note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    assert noted.dropped == {"mail that is being erased": 1}
    assert listed() == {("one", "a@example.com")}


def test_an_email_that_was_deleted_does_not_come_back_while_another_recipient_has_the_mail(domain: Domain) -> None:
    told = arrival(domain, "one", "a@example.com", "b@example.com")
    note([told], source=QUEUE)
    assert erase_email(ReceivedEmail.objects.get(recipient="a@example.com")) == "erased"
    note([told], source=QUEUE)
    note([arrival(domain, "one", "c@example.com")], source=QUEUE)
    assert listed() == {("one", "b@example.com"), ("one", "c@example.com")}


def test_texts_that_no_database_stores_and_that_are_too_long_are_made_to_fit(domain: Domain) -> None:
    long = "ü\0\ud800" * 9000
    told = arrival(domain, "one", f"{'x' * 400}@example.com", "\0@example.com", envelope_from=long, subject=long,
                   sender=long, message_id=long, verdicts=Verdicts(*[long] * 6))  # fmt: skip
    note([told], source=QUEUE)
    row = Message.objects.get()
    assert "\0" not in row.subject + row.from_name + row.from_address + row.rfc_id + row.envelope_from
    assert row.subject.startswith("ü\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}ü")


def test_a_batch_of_ten_takes_three_statements_and_duplicates_one_more(domain: Domain) -> None:
    batch = [arrival(domain, f"id{number}") for number in range(10)]
    for expected in (3, 5):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            note(batch, source=QUEUE)
        sent = [it["sql"] for it in statements if it["sql"] not in ("BEGIN", "BEGIN IMMEDIATE", "COMMIT")]
        assert len(sent) == expected, sent
    assert len(listed()) == 10


def test_a_hostile_sender_does_not_keep_the_batch(domain: Domain) -> None:
    note([arrival(domain, sender="(" * 9000), arrival(domain, "two", sender="<" * 9000)], source=QUEUE)
    assert len(listed()) == 2
