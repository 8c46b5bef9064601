from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.models import Lease

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def expire() -> None:
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_lease_has_one_holder_at_a_time():
    held = lease.acquire(ses_config())
    assert held is not None
    assert lease.acquire(ses_config()) is None
    lease.release(held)
    assert lease.acquire(ses_config()) is not None


def test_fence_goes_up_with_each_acquisition():
    fences = []
    for _ in range(3):
        held = lease.acquire(ses_config())
        assert held is not None
        fences.append(held.fence)
        lease.release(held)
    assert fences == [1, 2, 3]


def test_expired_lease_is_taken_over_and_lost_by_its_holder():
    old = lease.acquire(ses_config())
    expire()
    assert lease.acquire(ses_config()) is not None
    with pytest.raises(lease.LeaseLost), transaction.atomic():
        lease.renew(old)
    with pytest.raises(lease.LeaseLost), transaction.atomic():
        lease.hand_back(old)


def test_late_release_does_not_free_the_lease_of_the_next_holder():
    old = lease.acquire(ses_config())
    expire()
    assert lease.acquire(ses_config()) is not None
    lease.release(old)
    assert lease.acquire(ses_config()) is None


def test_expired_lease_can_be_renewed_if_nobody_has_taken_it():
    held = lease.acquire(ses_config())
    expire()
    with transaction.atomic():
        lease.renew(held)
    assert Lease.objects.get().expires_at > timezone.now() + timedelta(seconds=25)


def test_worker_lets_a_waiting_request_go_first():
    held = lease.acquire(ses_config(), background=True)
    assert lease.acquire(ses_config()) is None  # a request, which is recorded as waiting
    lease.release(held)
    assert lease.acquire(ses_config(), background=True) is None
    assert lease.acquire(ses_config()) is not None


def test_each_rule_set_has_its_own_lease(settings):
    assert lease.acquire(ses_config()) is not None
    settings.SES_RULE_SET = "another"
    assert lease.acquire(ses_config()) is not None
