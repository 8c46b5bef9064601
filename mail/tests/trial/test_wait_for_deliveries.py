"""`send_test_mail --wait` follows deliveries until they are finished."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from threading import Event, Thread

import pytest
from django.db import connection

from mail.models import Delivery, DeliveryAttempt, ForwardRecipient


@pytest.fixture
def finishing(delivering):
    """`finishing(state, *attempts)` finishes the delivery as soon as there is one, after such attempts: a status or an error."""
    stopped, threads = Event(), []

    def finish(state, *attempts, problem="", sent_to=()):
        def work():
            try:
                while not (stopped.is_set() or (found := Delivery.objects.first())):
                    stopped.wait(0.01)
                for number, answer in enumerate(attempts, start=1):
                    details = {"status_code": answer} if isinstance(answer, int) else {"error": answer}
                    DeliveryAttempt.objects.create(delivery=found, number=number, seconds=0.012, **details)
                for address in sent_to:
                    ForwardRecipient.objects.create(delivery=found, address=address, ses_message_id="1", state="sent")
                at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
                Delivery.objects.update(state=state, attempts=len(attempts), problem=problem, finished_at=at)
            finally:
                connection.close()

        threads.append(Thread(target=work))
        threads[0].start()

    yield finish
    stopped.set()
    for thread in threads:
        thread.join()


def steps(shown: str) -> list[str]:
    """The lines without their times, from the route on."""
    lines = [re.sub(r"^ *[\d,]+ ms  ", "", line) for line in shown.splitlines()]
    return lines[3:]


def test_each_attempt_is_shown_and_then_the_outcome(finishing, send) -> None:
    finishing(Delivery.State.DELIVERED, 500, "It did not answer within 30 seconds.", 200)
    code, shown, errors = send("hello@example.com", "--wait")
    assert (code, errors) == (0, "")
    assert steps(shown) == [
        "hello@example.com: routed to CRM. The address has this endpoint.",
        "CRM: attempt 1 answered 500 after 12 ms",
        "CRM: attempt 2 failed after 12 ms: It did not answer within 30 seconds.",
        "CRM: attempt 3 answered 200 after 12 ms",
        "CRM: delivered 2026-01-02 03:04:05 UTC after 3 attempts",
    ]


def test_a_dead_delivery_is_no_success(finishing, send) -> None:
    finishing(Delivery.State.DEAD, 400, problem="The last attempt failed.")
    code, shown, errors = send("hello@example.com", "--wait")
    assert (code, errors) == (2, "")
    assert steps(shown)[-1] == "CRM: given up at 2026-01-02 03:04:05 UTC after 1 attempt. The last attempt failed."


def test_a_forward_names_who_has_got_it(finishing, send) -> None:
    finishing(Delivery.State.DELIVERED, "", sent_to=["a@example.net", "b@example.net"])
    assert steps(send("hello@example.com", "--wait")[1])[-4:] == [
        "CRM: attempt 1 ended after 12 ms",
        "CRM: sent to a@example.net",
        "CRM: sent to b@example.net",
        "CRM: delivered 2026-01-02 03:04:05 UTC after 1 attempt",
    ]


def test_what_a_delivery_waits_for_is_explained(delivering, send) -> None:
    code, _, errors = send("hello@example.com", "--wait", "1")
    assert code == 2
    assert errors.startswith("Not delivered within 1 s. CRM: due: attempt 1 is now. Start mail_worker")
    type(delivering).objects.update(is_active=False, inactive_reason="Three forwards bounced.")
    _, _, errors = send("hello@example.com", "--wait", "1")
    assert errors == (
        "Not delivered within 1 s. CRM: held: attempt 1 waits until the endpoint is switched on. Three forwards bounced.\n"
    )


def test_deliveries_of_many_mails_are_counted(finishing, send) -> None:
    finishing(Delivery.State.DELIVERED)
    _, shown, _ = send("hello@example.com", "--count", "3", "--wait", "1")
    assert re.search(
        r"ms  [0-2] deliver(y|ies) due, [1-3] deliver(y|ies) delivered\n|ms  3 deliveries delivered\n", shown
    )
