"""Nothing is said to go on by itself unless a worker is alive that does it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from desk.state import wording
from desk.state.read import read_state
from desk.state.values import Kind, Level, State
from inbound.tests.support.admin_site import text
from inbound.tests.support.factories import (
    DeliveryFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
    UserFactory,
    WorkerFactory,
)
from mail.models import EventNotice
from workers.models import WorkerKind

pytestmark = pytest.mark.sqlite


@pytest.fixture
def waiting(ses, settings) -> None:
    """Two domains wait for the SES worker, and a delivery for the mail worker."""
    EmailAddressFactory()
    DeliveryFactory(received__message__domain=EmailAddressFactory().domain)
    settings.SES_REQUEST_BUDGET = 0.0
    DomainFactory()
    DomainFactory()


def headline(state: State) -> str:
    return wording.headline(state)


def test_a_worker_of_another_kind_does_not_do_it(waiting, admin_client: Client):
    WorkerFactory(kind=WorkerKind.MAIL)
    said = headline(read_state())
    assert said.startswith("No ses_worker has ever run. 2 things wait for one. 1 thing is pending, the oldest for ")
    assert said.endswith("; the workers go on by themselves.")
    page = text(admin_client.get("/admin/"))
    stuck, _, goes_on = page.partition("Waits for a worker")[2].partition("Will be done without you")
    assert ("1 delivery to make" in stuck, "1 delivery to make" in goes_on) == (False, True)


def test_with_every_worker_all_of_it_goes_on(waiting, alive, admin_client: Client):
    assert headline(read_state()).startswith("Nothing needs you. 3 things are pending, the oldest for ")
    assert "Waits for a worker" not in text(admin_client.get("/admin/"))


def test_without_a_source_of_mail_a_worker_is_wanted_for_what_is_left(waiting, client: Client):
    WorkerFactory()
    state = read_state()
    assert [finding.subject for finding in state.of(Level.NEEDS_YOU)] == ["mail_worker"]
    assert headline(state).startswith("No mail_worker has ever run. 1 thing waits for one. 2 things are pending")
    assert "No mail_worker has ever run" in client.get("/readyz").json()["problems"][0]


def test_without_a_source_of_mail_no_worker_is_said_to_read_it(ses, alive, settings):
    ReceivedEmailFactory(message__state="arrived", message__retry_at=timezone.now())
    settings.MAIL_SOURCE = "none"
    state = read_state()
    [finding] = state.findings
    assert (finding.kind, finding.why) == (Kind.MAIL_TO_READ, "MAIL_SOURCE is none, so no worker reads it.")
    assert (state.goes_on, headline(state)) == ({}, "1 thing needs you. Nothing is pending.")
    settings.MAIL_SOURCE = "sweep"
    assert list(read_state().goes_on) == [Kind.MAIL_TO_READ]


def test_a_task_that_fails_is_tried_again_by_its_own_worker(ses):
    WorkerFactory(problem="sweep SES: AWS gave no answer.", problem_since=timezone.now() - timedelta(minutes=3))
    state = read_state()
    assert list(state.goes_on) == [Kind.WORKER]
    assert headline(state) == (
        "Nothing needs you. 1 thing is pending, the oldest for 3 min; the workers go on by themselves."
    )


def test_a_worker_for_another_rule_set_is_named_and_does_not_count(waiting, client: Client):
    WorkerFactory(place="eu-west-1, rule set other")
    WorkerFactory(kind=WorkerKind.MAIL)
    state = read_state()
    what = (
        "o ses_worker has ever run for eu-west-1, rule set inbound-email-rules; one runs for eu-west-1, rule set other"
    )
    assert headline(state).startswith(f"N{what}. 2 things wait for one.")
    assert client.get("/readyz").json()["problems"][0].startswith(f"N{what}. Start it")
    assert "rule set other" not in str(read_state(UserFactory()).findings)


def test_a_worker_for_another_rule_set_that_has_stopped_runs_for_nobody(waiting):
    WorkerFactory(place="eu-west-1, rule set other", stopped_at=timezone.now())
    assert headline(read_state()).startswith("No ses_worker has ever run; ")


def test_a_worker_that_dies_again_and_again_is_not_at_work(ses):
    begun, heard = timezone.now() - timedelta(minutes=9), timezone.now() - timedelta(minutes=8)
    WorkerFactory()
    for _ in range(2):
        WorkerFactory(started_at=begun, last_round_at=heard)
    WorkerFactory(started_at=begun, last_round_at=heard, stopped_at=heard)
    WorkerFactory(started_at=begun, last_round_at=heard, host="web02")
    WorkerFactory(started_at=begun, last_round_at=heard, place="eu-west-1, rule set other")
    assert read_state().is_settled
    WorkerFactory(started_at=begun, last_round_at=heard)
    [finding] = read_state().findings
    assert (finding.level, finding.subject) == (Level.NEEDS_YOU, "ses_worker on web01")
    assert finding.why == "It has died 3 times in 15 min."
    assert headline(read_state()) == "1 thing needs you. Nothing is pending."


def test_an_event_waits_for_the_mail_worker_until_its_webhook_has_taken_it(ses):
    WorkerFactory()
    notice = EventNotice.objects.create(
        endpoint=EndpointFactory(), event="domain.deletion.proved", body="{}", problem="It answered 503."
    )
    state = read_state()
    assert headline(state).startswith("No mail_worker has ever run. 1 thing waits for one.")
    [finding] = state.of(Level.PENDING)
    assert (finding.kind, finding.what, finding.why) == (Kind.EVENT, "1 event to tell", "It answered 503.")
    assert read_state(UserFactory()).of(Level.PENDING) == []
    EventNotice.objects.filter(pk=notice.pk).update(retry_at=None, delivered_at=timezone.now())
    assert read_state().is_settled
