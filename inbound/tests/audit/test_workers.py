"""What the workers change by themselves is in the audit log."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Change
from domains.models import Domain, DomainDeletion
from endpoints.services import switch_off
from inbound.tests.support.aws import fail_calls, remove_rule
from inbound.tests.support.factories import EndpointFactory, MessageFactory, ReceivedEmailFactory
from inbound.tests.support.prepared import verified_domain
from inbound.worker import Worker
from mail.erasure.task import run_erasures
from mail.worker.tasks import PeriodicTask
from mail.worker.threads.periodic import Periodic
from mail.worker.troubles import Troubles
from ses_integration.models import DomainSync


def by_workers() -> list[tuple[str, str, str]]:
    changes = Change.objects.filter(door="worker").order_by("pk")
    return [(change.action, change.object_name, change.via) for change in changes]


@pytest.fixture
def domain(ses, user) -> Domain:
    return verified_domain(ses, user, "example.com")


def test_a_deletion_that_a_worker_finishes_and_proves(ses, api, domain):
    fail_calls(ses)
    assert api.delete(f"/api/v2/domains/{domain.pk}").status_code == 200
    ses.clear_faults()
    DomainSync.objects.update(retry_at=None)
    DomainDeletion.objects.update(retry_at=None)
    for _ in range(2):
        Worker().tick()
    assert [(action, name) for action, name, _ in by_workers()] == [
        ("finished", "example.com"), ("proved", "example.com"),
    ]  # fmt: skip
    Worker().tick()
    assert len(by_workers()) == 2


def test_drift_that_a_sweep_repairs(ses, api, domain):
    assert api.post("/api/v2/email-addresses", {"address": "a@example.com", "domainId": domain.pk}).status_code == 201
    remove_rule("inbound-example.com-rule")
    Worker().tick()
    assert ("repaired", "example.com", "sweep SES") in by_workers()
    number = len(by_workers())
    Worker().tick()
    assert len(by_workers()) == number


def test_a_status_that_changes(ses, domain):
    Domain.objects.filter(pk=domain.pk).update(status="pending", next_check=timezone.now() - timedelta(seconds=1))
    Worker().tick()
    change = Change.objects.get(door="worker", action="changed")
    assert (change.object_name, change.before, change.after["status"]) == (
        "example.com",
        {"status": "pending"},
        "verified",
    )
    assert change.via in ("check domains", "take over identities")


def test_an_endpoint_that_is_switched_off(user):
    endpoint = EndpointFactory(owner=user)
    assert switch_off(endpoint.pk, "Receivers answer 410.")
    assert not switch_off(endpoint.pk, "Receivers answer 410.")
    change = Change.objects.get(action="switched off")
    assert (change.owner, change.after) == (user, {"isActive": False, "inactiveReason": "Receivers answer 410."})


def test_mail_that_is_erased_for_its_age_is_one_entry_a_run(ses, user, domain, settings):
    settings.MAIL_RETENTION_DAYS = 30
    for _ in range(3):
        message = MessageFactory(domain=domain, arrived_at=timezone.now() - timedelta(days=31))
        ReceivedEmailFactory(message=message)
    task = PeriodicTask("the erasure of mail", run_erasures, 5.0, "erased", "mail")
    thread = Periodic(Troubles(), threading.Event(), task)
    thread._take_turn()
    thread._take_turn()
    assert by_workers() == [("erased", "old and blocked mail", "the erasure of mail")]
    assert Change.objects.get(action="erased").after == {"mails": 3}
