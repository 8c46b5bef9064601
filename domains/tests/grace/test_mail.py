"""Mail that was on its way when its domain was deleted, and goes on when it is restored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from audit.models import Change
from domains.deletion.service import delete_domain
from domains.grace.restore import restore
from domains.models import Domain, DomainDeletion
from endpoints.services import delete_endpoint
from inbound.tests.support.factories import DeliveryFactory, ReceivedEmailFactory
from mail.delivery.claims import claim
from mail.models import Delivery, MailSweep, Message
from mail.models.delivery import WITHDRAWN_WITH_DOMAIN
from mail.routing.record import route_messages
from ses_integration.api import database_now

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]


def undone(deletion: DomainDeletion) -> None:
    restore(deletion, restored_by="me")


def test_what_waited_to_be_delivered_is_delivered_after_the_restore(full, deletion):
    waiting = DeliveryFactory(received__message__domain=full, expires_at=timezone.now() - timedelta(days=1))
    assert claim(10).deliveries == []
    undone(deletion)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.problem, waiting.finished_at, waiting.attempts) == ("due", "", None, 0)
    assert waiting.expires_at > timezone.now()
    assert [one.pk for one in claim(10, before=database_now() + timedelta(seconds=1)).deliveries] == [waiting.pk]


def test_what_a_worker_withdraws_a_moment_too_late_is_delivered_as_well(full, deletion):
    waiting = DeliveryFactory(received__message__domain=full)

    def withdraw() -> None:
        Delivery.objects.update(state="withdrawn", retry_at=None, problem=WITHDRAWN_WITH_DOMAIN)

    def when_restored(**_: object) -> None:
        transaction.on_commit(withdraw)

    post_save.connect(when_restored, sender=Domain)
    try:
        undone(deletion)
    finally:
        post_save.disconnect(when_restored, sender=Domain)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.problem) == ("due", "")


def test_what_somebody_has_withdrawn_stays_so(full, deletion):
    DeliveryFactory(received__message__domain=full, state="withdrawn", retry_at=None, problem="Not wanted.")
    undone(deletion)
    assert Delivery.objects.get().state == "withdrawn"


def test_a_permanent_deletion_still_withdraws_what_waits(full):
    waiting = DeliveryFactory(received__message__domain=full)
    full.deleting_since = timezone.now()
    full.save()
    assert claim(10).deliveries == []
    waiting.refresh_from_db()
    assert waiting.state == "withdrawn"


def test_mail_that_was_read_after_the_deletion_is_routed_after_the_restore(full, user):
    email = ReceivedEmailFactory(message__domain=full, recipient="a@example.com", disposition="received")
    deletion = delete_domain(domain=full, requested_by="me")
    with transaction.atomic():
        # A worker had claimed it before.
        assert not route_messages([email.message_id])
    undone(deletion)
    again = Message.objects.get(pk=email.message_id)
    assert (again.state, again.ingested_at) == ("arrived", None)
    assert again.retry_at is not None
    with transaction.atomic():
        assert route_messages([email.message_id])


def test_the_sweep_begins_when_it_also_finds_mail_that_came_just_before_the_restore(full, deletion):
    sweep = MailSweep.objects.create(domain=full, due_at="2099-01-01T00:00:00Z", deliver_since="2026-01-01T00:00:00Z")
    before = database_now()
    undone(deletion)
    sweep.refresh_from_db()
    assert sweep.due_at >= before + timedelta(seconds=settings.MAIL_SWEEP_GRACE_SECONDS)
    assert (sweep.due_at - database_now()).total_seconds() <= settings.MAIL_SWEEP_GRACE_SECONDS


def test_an_endpoint_that_goes_meanwhile_takes_its_routes_along_and_the_audit_log_says_so(full, deletion, user):
    address = full.email_addresses.get(address="a@example.com")
    Domain.objects.filter(pk=full.pk).update(is_catch_all_enabled=True, catch_all_endpoint=address.endpoint)
    delete_endpoint(endpoint=address.endpoint)
    undone(deletion)
    full.refresh_from_db()
    assert (full.is_catch_all_enabled, full.email_addresses.get(pk=address.pk).endpoint) == (False, None)
    assert Change.objects.filter(action="changed", object_id__in=[full.pk, address.pk]).count() == 2
