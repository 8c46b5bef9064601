"""`mail_status` says what waits, what is dead and which endpoints are down."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.text import moment
from inbound.tests.support.factories import DeliveryFactory, DomainFactory, EndpointFactory, ReceivedEmailFactory
from mail.models import EndpointGate, ForwardRecipient, MailSweep
from mail.tests.commands.run import run

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

NOTHING = "Nothing waits, and nothing needs you.\n"


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def endpoint(name: str = "Shop", **values: Any) -> Any:
    return EndpointFactory(name=name, **values)


def down(row: Any, **values: Any) -> None:
    known = {"failures": 7, "down_since": ago(hours=3, minutes=5), "problem": "It answered 503."}
    EndpointGate.objects.create(endpoint=row, **(known | values))


def test_exit_code_0_if_nothing_waits(db) -> None:
    DeliveryFactory(state="delivered", retry_at=None)
    assert run("mail_status") == (0, NOTHING)


def test_mail_to_read_is_counted_with_its_age_and_the_most_frequent_problem(db) -> None:
    for problem in ("S3 cannot be reached.", "S3 cannot be reached.", "AWS gave no answer.", ""):
        ReceivedEmailFactory(
            message__state="arrived", message__arrived_at=ago(minutes=3), message__problem=problem,
            message__retry_at=timezone.now(),
        )  # fmt: skip
    code, said = run("mail_status")
    assert (code, said.splitlines()[0]) == (2, "4 mails to read (S3 cannot be reached), the oldest for 3 min.")


def test_it_asks_for_the_worker_if_nobody_takes_what_is_due(db) -> None:
    ReceivedEmailFactory(message__state="arrived", message__arrived_at=ago(days=3), message__retry_at=ago(minutes=2))
    assert run("mail_status")[1].startswith("1 mail to read, the oldest for 3 days. Is mail_worker running?\n")


def test_it_promises_no_reading_if_no_worker_reads(db, settings) -> None:
    settings.MAIL_SOURCE = "none"
    ReceivedEmailFactory(message__state="arrived", message__arrived_at=ago(days=3), message__retry_at=ago(minutes=2))
    said = run("mail_status")[1].splitlines()[-1]
    assert said == "Mail waits to be read. MAIL_SOURCE is none, so no worker reads it."


def test_deliveries_that_are_due_are_counted_with_the_next_try(db) -> None:
    later = timezone.now() + timedelta(minutes=30)
    DeliveryFactory(created_at=ago(hours=2), retry_at=later)
    DeliveryFactory(leased_until=later)
    code, said = run("mail_status")
    assert code == 2
    assert said.splitlines() == [
        f"2 deliveries due, the oldest for 2 h, 1 in flight, the next try at {moment(later)}.",
        "Something waits. mail_worker goes on by itself. mail_retry tries deliveries now.",
    ]


def test_dead_deliveries_need_attention(db) -> None:
    shop = endpoint()
    DeliveryFactory(endpoint=shop, state="dead", retry_at=None, finished_at=ago(hours=60))
    DeliveryFactory(endpoint=shop, state="dead", retry_at=None, finished_at=ago(minutes=5))
    code, said = run("mail_status")
    assert code == 2
    assert said.startswith(
        "2 deliveries given up, the newest for 5 min. The table says whose. mail_retry --endpoint ID --dead retries them; "
    )
    assert f"{shop.pk}  Shop  active" in said
    assert "  0        2\n" in said
    assert said.endswith("Something needs you; docs/runbook.md says what to do.\n")


def test_an_endpoint_that_is_down_is_listed_with_what_waits_for_it(db) -> None:
    shop, probe_at = endpoint(), timezone.now() + timedelta(minutes=4)
    down(shop, not_before=probe_at)
    for _ in range(3):
        DeliveryFactory(endpoint=shop)
    code, said = run("mail_status")
    assert code == 2
    assert said.startswith(f"3 deliveries due, the oldest for 0 s, the next try at {moment(probe_at)}.")
    line = next(line for line in said.splitlines() if line.startswith(shop.pk))
    assert line.split("  ")[0:2] == [shop.pk, "Shop"]
    for part in ("down (7 failures in a row)", "3 h ago", "  3  ", moment(probe_at), "It answered 503."):
        assert part in line


def test_an_endpoint_that_has_failed_a_few_times_needs_nobody(db) -> None:
    down(endpoint(), failures=2, down_since=ago(seconds=20))
    code, said = run("mail_status")
    assert code == 0
    assert "failing (2 failures in a row)" in said


def test_deliveries_that_wait_for_ses_say_why(db) -> None:
    DeliveryFactory(problem="Sending is paused.", retry_at=timezone.now() + timedelta(minutes=5))
    assert run("mail_status")[1].startswith("1 delivery due (Sending is paused), the oldest for 0 s, the next try at ")


def test_an_endpoint_that_was_switched_off_is_listed_with_the_reason(db) -> None:
    endpoint("Gone", is_active=False, inactive_reason="It answered 410 to three mails in a row.")
    code, said = run("mail_status")
    assert code == 2
    assert "switched off" in said
    assert "It answered 410 to three mails in a row." in said


def test_an_inactive_endpoint_is_listed_only_if_mail_waits_for_it(db) -> None:
    paused = endpoint("Paused", is_active=False)
    assert run("mail_status") == (0, NOTHING)
    DeliveryFactory(endpoint=paused)
    said = run("mail_status")[1]
    assert f"{paused.pk}  Paused  inactive" in said
    # Nobody can go on by himself.
    assert said.startswith("1 delivery held: it waits until its endpoint is switched on.\n")
    assert "0 s ago" in said
    assert "due" not in said
    assert said.endswith("Something needs you; docs/runbook.md says what to do.\n")


def test_mail_that_is_held_back_is_named_and_asks_for_nothing(db) -> None:
    held = ReceivedEmailFactory(disposition="quarantined", message__arrived_at=ago(hours=50))
    ReceivedEmailFactory(disposition="blocked")
    assert run("mail_status") == (
        0,
        "1 mail quarantined, the oldest for 2 days. Release or erase each: mail_retry --mail ID --release, or the admin. "
        f"1 id: {held.pk}.\n1 mail blocked, the oldest for 0 s. Erased after BLOCKED_MAIL_DAYS.\n{NOTHING}",
    )


def test_erasures_sweeps_and_bounces_are_named(db) -> None:
    ReceivedEmailFactory(message__state="erasing", message__problem="S3 refuses.", message__retry_at=timezone.now())
    sweep = MailSweep.objects.create(domain=DomainFactory(), due_at=timezone.now(), problem="The bucket is gone.")
    forward = DeliveryFactory(state="delivered", retry_at=None)
    for address, at in (("a@example.net", ago(hours=1)), ("b@example.net", ago(days=9))):
        ForwardRecipient.objects.create(delivery=forward, address=address, state="bounced", sent_at=at)
    code, said = run("mail_status")
    assert code == 2
    assert said.splitlines()[:3] == [
        "1 mail to erase (S3 refuses).",
        "1 forward bounced in 7 days, the newest 1 h ago. The page of each delivery says why.",
        f"The sweep of {sweep.domain.name} has a problem: The bucket is gone.",
    ]


def test_mail_of_a_domain_that_is_being_deleted_is_not_counted(db) -> None:
    gone = DomainFactory(deleting_since=timezone.now())
    for disposition in ("routed", "quarantined"):
        email = ReceivedEmailFactory(message__domain=gone, disposition=disposition)
        DeliveryFactory(received=email)
        DeliveryFactory(received=email, state="dead", finished_at=timezone.now())
    assert run("mail_status") == (0, NOTHING)


def test_json_has_numbers_with_their_ages(db) -> None:
    shop = endpoint()
    down(shop)
    DeliveryFactory(endpoint=shop, created_at=ago(seconds=90))
    code, said = run("mail_status", "--json")
    found = json.loads(said)
    assert code == 2
    assert (found["isPending"], found["needsAttention"], found["queue"]) == (True, True, None)
    assert found["due"]["number"] == 1
    assert found["due"]["sinceSeconds"] in range(90, 95)
    assert found["dead"] == {"number": 0, "since": None, "newest": None, "sinceSeconds": None, "newestSeconds": None}
    [one] = found["endpoints"]
    assert (one["id"], one["trouble"], one["failures"], one["waiting"]) == (shop.pk, "down", 7, 1)


def test_a_name_with_control_characters_cannot_change_the_terminal(db) -> None:
    down(endpoint("\x1b[2Jshop\u202e"), problem="first\nsecond")
    said = run("mail_status")[1]
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "first second" in said


def test_it_needs_as_many_statements_whatever_there_is(db) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            run("mail_status")
        return len(captured)

    assert statements() <= 12
    for _ in range(5):
        row = endpoint()
        down(row)
        DeliveryFactory(endpoint=row)
    assert statements() <= 12


def test_the_queue_counts(postbox) -> None:
    postbox.deliver()
    code, said = run("mail_status")
    assert (code, said.splitlines()[0]) == (2, "1 notification in the queue.")
    postbox.sqs.delete_queue(QueueUrl=postbox._queue_url)
    code, said = run("mail_status")
    assert code == 2
    assert said.startswith("The queue (")
