"""BLOCKED_MAIL_DAYS: blocked mail goes after some days, if nobody else got it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.aws import stored_keys
from inbound.tests.support.factories import ReceivedEmailFactory
from mail.erasure.task import run_erasures
from mail.models import ReceivedEmail
from mail.tests.erasure.mails import received

pytestmark = pytest.mark.sqlite


def blocked(domain: Domain, days: float) -> ReceivedEmail:
    email: ReceivedEmail = received(domain, arrived_at=timezone.now() - timedelta(days=days))
    ReceivedEmail.objects.filter(pk=email.pk).update(disposition="blocked")
    return email


def test_blocked_mail_goes_after_a_day_with_its_object(domain: Domain) -> None:
    blocked(domain, 1.1)
    new = blocked(domain, 0.9)
    assert run_erasures() == 1
    assert ReceivedEmail.objects.get() == new
    assert stored_keys() == [new.message.key]


def test_mail_that_somebody_else_got_stays(domain: Domain) -> None:
    email = blocked(domain, 2)
    ReceivedEmailFactory(message=email.message, domain=domain, recipient="b@example.com", disposition="stored")
    assert run_erasures() == 0
    assert ReceivedEmail.objects.count() == 2


def test_with_zero_days_it_stays(domain: Domain, settings) -> None:
    settings.BLOCKED_MAIL_DAYS = 0
    blocked(domain, 1000)
    assert run_erasures() == 0
