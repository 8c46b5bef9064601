"""The counts of received mail are right whatever writes the rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, MessageFactory, ReceivedEmailFactory
from mail.models import MailCount, ReceivedEmail, rest_of_hour, whole_periods

pytestmark = pytest.mark.sqlite

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def received(domain: Domain, arrived_at: datetime = NOON, **columns: Any) -> ReceivedEmail:
    return ReceivedEmailFactory(message__domain=domain, message__arrived_at=arrived_at, **columns)


def received_batch(size: int, domain: Domain) -> None:
    for _ in range(size):
        received(domain)


def counts(domain: Domain) -> dict[tuple[str, str], tuple[int, int]]:
    rows = domain.mail_counts.order_by("unit", "start")
    return {(row.unit, f"{row.start:%d %H:%M}"): (row.received, row.archived) for row in rows}


def test_an_email_counts_in_all_in_its_day_and_in_its_hour(user):
    domain = DomainFactory(owner=user)
    received(domain, arrived_at=NOON)
    received(domain, arrived_at=NOON + timedelta(minutes=59, seconds=59.5), is_archived=True)
    received(domain, arrived_at=NOON + timedelta(hours=1))
    received(domain, arrived_at=NOON - timedelta(days=1))
    received(DomainFactory())
    assert counts(domain) == {
        ("all", "01 00:00"): (4, 1),
        ("day", "04 00:00"): (1, 0),
        ("day", "05 00:00"): (3, 1),
        ("hour", "04 12:00"): (1, 0),
        ("hour", "05 12:00"): (2, 1),
        ("hour", "05 13:00"): (1, 0),
    }


def test_archiving_counts_and_reading_does_not(user):
    domain = DomainFactory(owner=user)
    received_batch(3, domain)
    domain.received_emails.update(is_read=True)
    assert counts(domain)["hour", "05 12:00"] == (3, 0)
    domain.received_emails.update(is_archived=True)
    assert {*counts(domain).values()} == {(3, 3)}
    domain.received_emails.update(is_archived=False)
    assert {*counts(domain).values()} == {(3, 0)}


def test_a_count_of_zero_is_gone(user):
    domain = DomainFactory(owner=user)
    _kept, gone = (received(domain, arrived_at=NOON + timedelta(hours=n)) for n in (0, 1))
    gone.delete()
    assert counts(domain) == {("all", "01 00:00"): (1, 0), ("day", "05 00:00"): (1, 0), ("hour", "05 12:00"): (1, 0)}
    domain.received_emails.all().delete()
    assert counts(domain) == {}


def test_an_email_that_turns_out_to_have_arrived_at_another_time_moves(user):
    domain = DomainFactory(owner=user)
    received(domain, arrived_at=NOON)
    domain.received_emails.update(arrived_at=NOON + timedelta(days=1))
    assert counts(domain) == {("all", "01 00:00"): (1, 0), ("day", "06 00:00"): (1, 0), ("hour", "06 12:00"): (1, 0)}


def test_an_email_that_is_there_already_does_not_count_again(user):
    domain = DomainFactory(owner=user)
    message = MessageFactory(domain=domain, arrived_at=NOON)
    row = {"message": message, "domain": domain, "owner": user, "arrived_at": NOON}
    for names in (["a"], ["a", "b"], ["b", "a"]):
        ReceivedEmail.objects.bulk_create(
            [ReceivedEmail(recipient=f"{name}@example.com", **row) for name in names], ignore_conflicts=True
        )
    assert {*counts(domain).values()} == {(2, 0)}


def test_emails_of_several_domains_count_in_one_statement(user):
    one, other = DomainFactory(owner=user), DomainFactory(owner=user)
    messages = [MessageFactory(domain=domain, arrived_at=NOON) for domain in (one, other, one)]
    ReceivedEmail.objects.bulk_create(
        ReceivedEmail(message=it, domain=it.domain, owner=user, recipient="", arrived_at=NOON) for it in messages
    )
    assert ({*counts(one).values()}, {*counts(other).values()}) == ({(2, 0)}, {(1, 0)})
    ReceivedEmail.objects.filter(message__in=messages[:2]).delete()
    assert ({*counts(one).values()}, counts(other)) == ({(1, 0)}, {})


def test_a_transaction_that_is_rolled_back_counts_nothing(user):
    domain = DomainFactory(owner=user)
    with transaction.atomic():
        received(domain)
        transaction.set_rollback(True)
    assert counts(domain) == {}


def test_the_domains_row_may_be_gone(user):
    domain = DomainFactory(owner=user)
    received_batch(2, domain)
    Domain.objects.filter(pk=domain.pk).delete()
    Domain(pk=domain.pk).received_emails.all()[0].delete()
    assert {*counts(domain).values()} == {(1, 0)}
    assert not MailCount.objects.live().exists()


@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 23 * 60, 24 * 60, 25 * 60 + 1, 49 * 60])
def test_whole_periods_and_the_rest_of_an_hour_are_all_mail_since_a_time(user, minutes):
    domain = DomainFactory(owner=user)
    since = datetime(2026, 3, 5, tzinfo=UTC) + timedelta(minutes=minutes)
    for hours in range(-30, 60, 3):
        for seconds in (-0.000001, 0, 1800):
            received(domain, arrived_at=since + timedelta(hours=hours, seconds=seconds))
    whole = domain.mail_counts.filter(whole_periods(since)).aggregate(sum=Sum("received"))["sum"]
    rest = domain.received_emails.filter(rest_of_hour(since)).count()
    assert whole + rest == domain.received_emails.filter(arrived_at__gte=since).count()


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))
@pytest.mark.sqlite_only
def test_the_periods_begin_within_an_hour(moment):
    since = moment.replace(tzinfo=UTC)
    ((_, _), (_, end)) = rest_of_hour(since).children
    assert since <= end < since + timedelta(hours=1)
    assert (end.minute, end.second, end.microsecond) == (0, 0, 0)


def test_arrived_at_is_a_whole_hour(user):
    domain = DomainFactory(owner=user)
    received(domain, arrived_at=timezone.now().replace(minute=0, second=0, microsecond=0))
    assert domain.mail_counts.count() == 3
