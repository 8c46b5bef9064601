"""Raising the generation of a domain, and settling it."""

from __future__ import annotations

import pytest
from django.db.models import Case, CharField, F, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, Length, Now

from ses_integration.models import DomainSync
from ses_integration.models.statements import After
from ses_integration.tests.models.comparison import compares, in_, same
from ses_integration.tests.models.rows import BEHIND, DAY, KEY, SCOPE, days, syncs
from ses_integration.tests.support.second_connection import locked_elsewhere

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]


def log_after(run, sync):
    """`run`, returning the change log of the domain."""

    def run_and_read(*parameters):
        run(*parameters)
        return DomainSync.objects.filter(pk=sync.pk).values_list("change_log")

    return run_and_read


def raise_generation(region, rule_set, domain, slot):
    rows = DomainSync.objects.filter(region=region, rule_set=rule_set, domain=domain)
    listed = Concat("change_log", Value(" "), Cast(F("generation") + 1, CharField()), Value(f":{slot}"))
    keeps = rows.annotate(length=Length("change_log")).filter(length__range=(1, 400))
    kept = list(keeps.values_list("pk", flat=True)) if slot is not None else []
    log = Case(When(pk__in=kept, then=listed), default=Value(""))
    new = {"generation": F("generation") + 1, "retry_at": None, "changed_at": Now(), "change_log": log}
    if not rows.update(queued_at=Coalesce("queued_at", Now()), **new):
        new = DomainSync(region=region, rule_set=rule_set, domain=domain, generation=1, queued_at=Now())
        DomainSync.objects.bulk_create([new])
        rows.update(changed_at=Now())
    return rows.values_list("generation")


@compares("RAISE_GENERATION")
@pytest.mark.parametrize("columns", [{}, {"queued_at": days(-1), "retry_at": days(1), "attempts": 2}])
def test_generation_of_one_domain_is_raised_and_the_domain_queued(statement, columns):
    syncs(**BEHIND, **columns)
    syncs("other.org")
    assert same(statement.rows, raise_generation, *KEY, None) == [(6,)]
    assert same(statement.rows, raise_generation, *SCOPE, "new.org", None) == [(1,)]


@compares("RAISE_GENERATION")
@pytest.mark.parametrize(
    ("log", "slot", "expected"),
    [
        ("3:f00d", 8, "3:f00d 6:8"),
        ("3:f00d 5:9", 0, "3:f00d 5:9 6:0"),
        ("3:f00d 5:9", None, ""),
        ("", 8, ""),
        (f"3:{'f' * 400}", 8, ""),
    ],
    ids=["first", "second", "no slot", "void", "too long"],
)
def test_change_log_lists_the_slot_or_is_void(statement, log, slot, expected):
    ours = syncs(**BEHIND, change_log=log)
    assert same(log_after(statement.rows, ours), log_after(raise_generation, ours), *KEY, slot) == [(expected,)]


def settle(log, layout, busy, pk, generation):
    row = DomainSync.objects.filter(pk=pk, generation=generation).select_for_update(skip_locked=True)
    settled = DomainSync.objects.filter(pk__in=list(row.values_list("pk", flat=True)))
    up_to_date = {"queued_at": None, "retry_at": None, "attempts": 0, "stalled": False, "last_error": ""}
    several = When(generation__gt=F("observed_generation") + 1, then=in_(busy))
    anew = When(change_log=log, then=Concat(Cast("generation", CharField()), Value(f":{layout}")))
    observed = {"observed_generation": F("generation"), "change_log": Case(anew, default=Value(""))}
    return settled.update(batch_until=Case(several), **observed, **up_to_date)


@compares("SETTLE")
def test_domain_is_settled_if_its_generation_is_the_same(statement):
    failed = {"queued_at": days(-1), "retry_at": days(2), "attempts": 2, "stalled": True, "last_error": "Throttled."}
    ours = syncs(**BEHIND, **failed)
    assert same(statement.run, settle, "", "f00d", After(DAY), ours.pk, 5) == 1
    assert same(statement.run, settle, "", "f00d", After(DAY), ours.pk, 4) == 0
    assert same(statement.run, settle, "", "f00d", After(DAY), ours.pk, 6) == 0


@compares("SETTLE")
@pytest.mark.parametrize("observed", [3, 4, 5], ids=["two changes", "one change", "none"])
def test_domain_is_busy_after_several_changes_were_observed_together(statement, observed):
    ours = syncs(generation=5, observed_generation=observed, batch_until=days(-1))
    assert same(statement.run, settle, "", "f00d", After(DAY), ours.pk, 5) == 1


@compares("SETTLE")
@pytest.mark.parametrize(("read", "expected"), [("3:f00d 4:8", "5:cafe"), ("3:f00d", ""), ("", "")])
def test_change_log_begins_anew_if_it_is_as_the_pass_has_read_it(statement, read, expected):
    ours = syncs(**BEHIND, change_log="3:f00d 4:8")
    parameters = read, "cafe", After(DAY), ours.pk, 5
    assert same(log_after(statement.run, ours), log_after(settle, ours), *parameters) == [(expected,)]


@compares("SETTLE")
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_domain_that_is_being_changed_is_not_settled(statement):
    ours = syncs(**BEHIND)
    with locked_elsewhere(ours):
        assert same(statement.run, settle, "", "f00d", After(DAY), ours.pk, 5) == 0
