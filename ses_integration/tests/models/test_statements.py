"""Every statement has a test. Those of the lease and the rate limits are here."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from django.db.models import F, Q
from django.db.models.functions import Now

from ses_integration.models import Lease, RateLimit, SendingLimit, statements
from ses_integration.models.statements import After, Statement
from ses_integration.tests import models
from ses_integration.tests.models.comparison import compared, compares, in_, same
from ses_integration.tests.models.rows import DAY, REGION, SCOPE, days, leases
from ses_integration.tests.support.second_connection import locked_elsewhere

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]


def test_every_statement_is_compared_with_its_orm_form():
    for module in pkgutil.iter_modules(models.__path__, f"{models.__name__}."):
        importlib.import_module(module.name)
    assert compared == {name for name, value in vars(statements).items() if isinstance(value, Statement)}


def take_lease(holder, expires_at, region, rule_set, is_request):
    free = Lease.objects.filter(Q(holder="") | Q(expires_at__lte=Now()), region=region, rule_set=rule_set)
    if not is_request:
        free = free.filter(Q(requested_until=None) | Q(requested_until__lte=Now()))
    taken = Lease.objects.filter(pk__in=list(free.select_for_update(skip_locked=True).values_list("pk", flat=True)))
    taken.update(holder=holder, fence=F("fence") + 1, expires_at=in_(expires_at), requested_until=None)
    return taken.values_list("pk", "fence", "outage_since")


@compares("TAKE_LEASE")
@pytest.mark.parametrize(
    ("columns", "for_a_request", "in_the_background"),
    [
        pytest.param({"holder": ""}, True, True, id="free"),
        pytest.param({"holder": "them"}, False, False, id="held"),
        pytest.param({"holder": "them", "expires_at": days(-1)}, True, True, id="expired"),
        pytest.param({"requested_until": days(1)}, True, False, id="free, and a request waits"),
        pytest.param({"requested_until": days(-1)}, True, True, id="free, and a request has waited"),
        pytest.param({"holder": "them", "requested_until": days(1)}, False, False, id="held, and a request waits"),
    ],
)
def test_lease_is_taken_if_nobody_has_it(statement, columns, for_a_request, in_the_background):
    ours = leases(**columns, outage_since=days(-2))
    for is_request, is_free in ((True, for_a_request), (False, in_the_background)):
        taken = [(ours.pk, 8, ours.outage_since)] if is_free else []
        assert same(statement.rows, take_lease, "us", After(30.0), *SCOPE, is_request) == taken


@compares("TAKE_LEASE")
def test_lease_of_a_rule_set_without_a_row_is_not_taken(statement):
    leases()
    assert same(statement.rows, take_lease, "us", After(30.0), REGION, "third", True) == []


@compares("TAKE_LEASE")
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_locked_lease_is_not_taken(statement):
    with locked_elsewhere(leases()):
        assert same(statement.rows, take_lease, "us", After(30.0), *SCOPE, True) == []


def renew_lease(expires_at, pk, holder, fence):
    held = Lease.objects.filter(pk=pk, holder=holder, fence=fence)
    held.update(expires_at=in_(expires_at))
    return held.values_list("outage_since")


def release_lease(pk, holder, fence):
    held = Lease.objects.filter(pk=pk, holder=holder, fence=fence)
    returned = list(held.values_list("outage_since"))
    held.update(holder="", expires_at=Now())
    return returned


@compares("RENEW_LEASE")
def test_lease_is_renewed_by_its_holder_with_its_fence(statement):
    ours = leases(holder="us", outage_since=days(-2), requested_until=days(1))
    assert same(statement.rows, renew_lease, After(30.0), ours.pk, "us", 7) == [(ours.outage_since,)]
    assert same(statement.rows, renew_lease, After(30.0), ours.pk, "them", 7) == []
    assert same(statement.rows, renew_lease, After(30.0), ours.pk, "us", 6) == []


@compares("RELEASE_LEASE")
def test_lease_is_released_by_its_holder_with_its_fence(statement):
    ours = leases(holder="us", requested_until=days(1))
    assert same(statement.rows, release_lease, ours.pk, "us", 7) == [(None,)]
    assert same(statement.rows, release_lease, ours.pk, "them", 7) == []
    assert same(statement.rows, release_lease, ours.pk, "us", 6) == []


def slots(days_from_now: float) -> None:
    """The next slot of our region and of another."""
    for region in ("us-east-1", REGION):
        RateLimit.objects.create(region=region, next_slot=days(days_from_now))


def claim_slot(next_slot, region):
    return RateLimit.objects.filter(region=region, next_slot__lte=Now()).update(next_slot=in_(next_slot))


def delay_slot(next_slot, region, at_least):
    return RateLimit.objects.filter(region=region, next_slot__lt=in_(at_least)).update(next_slot=in_(next_slot))


@compares("CLAIM_SLOT")
@pytest.mark.parametrize(("next_slot", "claimed"), [(-1, 1), (1, 0)])
def test_slot_is_claimed_if_it_is_not_in_the_future(statement, next_slot, claimed):
    slots(next_slot)
    assert same(statement.run, claim_slot, After(2.5), REGION) == claimed
    assert same(statement.run, claim_slot, After(2.5), "eu-north-1") == 0


@compares("DELAY_SLOT")
@pytest.mark.parametrize(("next_slot", "delayed"), [(-1, 1), (1, 1), (3, 0)])
def test_slot_is_delayed_if_it_is_earlier(statement, next_slot, delayed):
    slots(next_slot)
    assert same(statement.run, delay_slot, After(2 * DAY), REGION, After(2 * DAY)) == delayed


def claim_sending_slot(next_slot, region, per_second):
    free = SendingLimit.objects.filter(region=region, per_second=per_second, next_slot__lte=Now(), ask_at__gt=Now())
    return free.filter(Q(per_day__lte=0) | Q(sent__lt=F("per_day"))).update(
        next_slot=in_(next_slot), sent=F("sent") + 1
    )


@compares("CLAIM_SENDING_SLOT")
@pytest.mark.parametrize(
    ("columns", "claimed"),
    [
        pytest.param({}, 1, id="free"),
        pytest.param({"per_day": -1}, 1, id="no quota"),
        pytest.param({"next_slot": days(1)}, 0, id="not free yet"),
        pytest.param({"per_second": 3}, 0, id="another rate"),
        pytest.param({"ask_at": days(-1)}, 0, id="limits are to be asked for"),
        pytest.param({"sent": 200}, 0, id="the day is used up"),
    ],
)
def test_slot_for_sending_is_claimed_if_it_is_free_and_the_limits_are_known(statement, columns, claimed):
    known = {"per_second": 2.5, "per_day": 200, "sent": 199, "next_slot": days(-1), "ask_at": days(1)}
    for region in (REGION, "elsewhere"):
        SendingLimit.objects.create(region=region, **{**known, **columns})
    assert same(statement.run, claim_sending_slot, After(0.4), REGION, 2.5) == claimed
