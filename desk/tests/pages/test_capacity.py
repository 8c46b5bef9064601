"""The capacity page, and the samples that it shows."""

from __future__ import annotations

from datetime import date, timedelta

from django.test import Client

from desk import samples
from desk.models import CapacitySample
from desk.pages.capacity import meter
from desk.state.values import Quota
from domains.models import Domain
from inbound.tests.support.admin_site import count_statements, open_links, text, url
from inbound.tests.support.factories import EmailAddressFactory

CAPACITY = "/admin/capacity/"
FIRST = date(2026, 11, 1)


def grown(*used: int) -> list[CapacitySample]:
    return [CapacitySample(day=FIRST + timedelta(days=i), rules=rules, identities=0) for i, rules in enumerate(used)]


def test_a_forecast_goes_on_at_the_average_growth():
    days = [FIRST + timedelta(days=i) for i in range(5)]
    assert samples.days_until_full(days, [10, 12, 12, 16, 18], 200) == 91
    assert samples.days_until_full(days, [18, 17, 17, 17, 10], 200) is None
    assert samples.days_until_full(days, [200] * 5, 200) is None
    assert samples.days_until_full(days[:2], [10, 20], 200) is None


def test_a_meter_shows_what_is_ours_what_is_not_and_how_it_grows():
    shown = meter(Quota("rules", 180, 200, foreign=20), grown(100, 150, 180))
    assert (shown.ours, shown.foreign, shown.css) == (80.0, 10.0, "bad")
    assert shown.points == "0,50.0 500,25.0 1000,10.0"
    assert shown.forecast == "At this rate it is full in less than a day."
    assert meter(Quota("recipients of the fullest rule", 1, 500), grown(1, 2, 3)).points == ""


def test_a_day_has_one_sample(ses):
    samples.take_sample()
    EmailAddressFactory()
    samples.take_sample()
    [sample] = CapacitySample.objects.all()
    assert (sample.rules, sample.identities) == (1, 1)


def test_old_samples_go(ses):
    samples.take_sample()
    CapacitySample.objects.update(day=CapacitySample.objects.get().day - samples.KEPT - timedelta(days=1))
    samples.take_sample()
    assert CapacitySample.objects.count() == 1


def test_it_lists_the_largest_domains(ses, admin_client: Client):
    assert "No domain has an address yet." in text(admin_client.get(CAPACITY))
    few = count_statements(admin_client, CAPACITY)
    for _ in range(12):
        EmailAddressFactory()
    # All are of the same size.
    pages = [url("domains.domain", "change", row.pk) for row in Domain.objects.order_by("name")]
    assert open_links(admin_client, CAPACITY).intersection(pages) == set(pages[:10])
    assert count_statements(admin_client, CAPACITY) <= few
