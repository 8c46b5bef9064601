"""Which rules of a domain a snapshot reads (docs/architecture/protocol.md, "Read one rule")."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import override_settings

from ses_integration.conf import ses_config
from ses_integration.drift.compare import compare
from ses_integration.drift.previous_scopes import find_previous_scopes, forget
from ses_integration.drift.repair import make_due
from ses_integration.drift.sweep import sweep_database
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, RuleSetState
from ses_integration.plan.resources import Operation, Presence
from ses_integration.reconcile import queue
from ses_integration.reconcile.loop import reconcile
from ses_integration.reconcile.outbox import raise_generation
from ses_integration.reconcile.snapshot import Snapshot
from ses_integration.reconcile.values import Intent, Settled
from ses_integration.tests.support.fake_domains import DOMAIN, after_reading, change_behind_our_back, receive
from ses_integration.tests.support.protocol_steps import Writer
from ses_integration.tests.support.second_connection import locked_elsewhere

pytestmark = pytest.mark.sqlite
FIRST, SECOND, THIRD = (f"inbound-{DOMAIN}-rule{suffix}" for suffix in ("", "-2", "-3"))


@pytest.fixture(autouse=True)
def three_rules(ses, rows, settings):
    """Slots 0 and 1 are in the first rule, 2 and 3 in the second, and 4 in the third."""
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    receive(*"abcde")
    reconcile(DOMAIN)
    sweep_database()


def read() -> tuple[set[str], set[str]]:
    """The names of the rules that are read from the rows and from the ledger. The identity is always read."""
    with transaction.atomic():
        locked = queue.lock(ses_config(), DOMAIN)
        assert locked is not None
        snapshot = Snapshot.load(ses_config(), locked)
    recorded = {resource.name for resource in snapshot.resources.values()}
    assert DOMAIN in recorded
    return {rule.name for rule in snapshot.desired.rules}, recorded - {DOMAIN}


def mark(*slots: int | None) -> None:
    for slot in slots:
        raise_generation(ses_config(), DOMAIN, slot)


EVERYTHING = ({FIRST, SECOND, THIRD}, {FIRST, SECOND, THIRD})


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        pytest.param([0], FIRST, id="one slot"),
        pytest.param([3], SECOND, id="a slot of the second rule"),
        pytest.param([2, 3, 2], SECOND, id="several changes of one rule"),
        pytest.param([1, 2], None, id="two rules"),
        pytest.param([None], None, id="no slot"),
        pytest.param([0, None], None, id="a slot and no slot"),
        pytest.param([None, 0], None, id="no slot and a slot"),
        pytest.param([], None, id="no change"),
        pytest.param([0] * 400, None, id="too many changes for the log"),
    ],
)
def test_only_the_rule_of_the_changed_slots_is_read(changed, rule):
    mark(*changed)
    assert read() == (({rule}, {rule}) if rule else EVERYTHING)


def test_rule_without_an_entry_is_the_only_one_that_is_read():
    mark(7)
    assert read() == (set(), set())


def test_everything_is_read_after_another_layout(settings):
    mark(0)
    settings.SES_MAX_RECIPIENTS_PER_RULE = 3
    assert read() == ({FIRST, SECOND}, {FIRST, SECOND, THIRD})


def test_everything_is_read_until_a_sweep_has_compared_the_rows_with_this_ledger():
    mark(0)
    with override_settings(SES_RULE_SET="another"):
        sweep_database()
    assert read() == EVERYTHING
    reconcile(DOMAIN)
    sweep_database()
    mark(0)
    assert read() == ({FIRST}, {FIRST})


def test_everything_is_read_if_the_domain_was_pending_during_a_sweep():
    """The sweep has not compared it."""
    mark(0)
    sweep_database()
    assert read() == EVERYTHING


def test_everything_is_read_after_a_version_that_marks_no_slots():
    mark(0)
    reconcile(DOMAIN)
    DomainSync.objects.update(generation=DomainSync.objects.get().generation + 1)
    assert read() == EVERYTHING


@pytest.mark.parametrize("presence", [Presence.UNKNOWN, Presence.ABSENT])
def test_everything_is_read_while_another_rule_is_not_present(presence):
    mark(0)
    LedgerEntry.objects.filter(name=THIRD).update(presence=presence)
    assert read() == EVERYTHING


@pytest.mark.parametrize(
    "log", ["{baseline}x 2:0", "{baseline} 2:", "{baseline} 2:-1", "{baseline} 2:0 3:0", "{baseline} 3:0", "2:0", "x"]
)
def test_everything_is_read_if_the_change_log_is_not_as_it_should_be(log):
    baseline = DomainSync.objects.get().change_log
    mark(0)
    DomainSync.objects.update(change_log=log.format(baseline=baseline))
    assert read() == EVERYTHING


def test_nothing_is_desired_without_the_domain(rows):
    mark(0)
    rows.clear()
    assert read() == (set(), {FIRST, SECOND, THIRD})


def test_pass_that_has_read_everything_voids_the_change_log():
    receive(*"xbcde", slot=0)
    receive(*"xbyde", slot=2)
    assert isinstance(Writer().plan(), Intent)
    assert DomainSync.objects.get().change_log == ""


def test_everything_is_read_while_another_rule_has_a_call_in_flight():
    mark(0)
    reconcile(DOMAIN)
    mark(0)
    until = DomainSync.objects.get().changed_at
    third = LedgerEntry.objects.get(name=THIRD)
    InFlightCall.objects.create(entry=third, operation=Operation.UPDATE_RULE, until=until, fence=1)
    assert read() == EVERYTHING


def test_with_catch_all_on_the_whole_ledger_is_read():
    receive(*"abcde", catch_all=True)
    reconcile(DOMAIN)
    mark(0)
    catch_all = {f"inbound-{DOMAIN}-catchall-rule"}
    assert read() == (catch_all, catch_all)


def test_settled_domain_has_the_layout_that_was_planned(settings):
    receive(*"xbcde", slot=0)
    writer = Writer()
    writer.plan()
    answer = writer.send()
    settings.SES_MAX_RECIPIENTS_PER_RULE = 3
    assert isinstance(writer.record(answer), Settled)
    mark(0)
    assert read()[1] == {FIRST, SECOND, THIRD}


def test_everything_is_read_after_a_repair():
    """It was asked for because of a difference that no mark has announced."""
    mark(0)
    change_behind_our_back(*"abce")
    config = ses_config()
    assert make_due(config, compare(config), [DOMAIN])
    assert read()[1] == {FIRST, SECOND, THIRD}


def test_forgetting_the_ledger_of_a_previous_rule_set_voids_the_change_log():
    assert DomainSync.objects.get().change_log
    with override_settings(SES_RULE_SET="another"):
        (scope,) = find_previous_scopes(ses_config())
        forget(scope)
    assert DomainSync.objects.get().change_log == ""


def change_log() -> str:
    return DomainSync.objects.of(ses_config()).get().change_log


def test_log_that_a_sweep_has_voided_during_a_pass_stays_void():
    receive(*"xbcde", slot=0)
    writer = Writer()
    writer.plan()
    answer = writer.send()
    sweep_database()
    assert isinstance(writer.record(answer), Settled)
    assert change_log() == ""


def test_log_is_void_if_the_domain_was_marked_during_a_sweep_that_has_found_a_difference():
    change_behind_our_back(*"abcdx")
    after_reading.append(lambda: mark(0))
    assert sweep_database() == []
    assert change_log() == ""


@pytest.mark.postgresql
def test_sweep_that_could_not_void_a_log_does_not_count():
    RuleSetState.objects.update(rows_compared=False)
    mark(0)
    with locked_elsewhere(DomainSync.objects.get()):
        sweep_database()
    assert not RuleSetState.objects.get().rows_compared
    sweep_database()
    assert RuleSetState.objects.get().rows_compared


def test_everything_is_read_after_a_pass_for_another_rule_set():
    """Its change has no mark here."""
    with override_settings(SES_RULE_SET="another"):
        receive(*"abcd")
        reconcile(DOMAIN)
    mark(0)
    assert read()[1] == {FIRST, SECOND, THIRD}


def test_everything_is_read_after_a_sweep_without_a_region():
    with override_settings(AWS_REGION=""):
        sweep_database()
    mark(0)
    assert read()[1] == {FIRST, SECOND, THIRD}
