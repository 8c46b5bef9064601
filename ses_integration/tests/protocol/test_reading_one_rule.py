"""Reading only the rule that has changed. Counterexamples 29 to 31."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db.models import F

from ses_integration.drift.sweep import sweep_database
from ses_integration.models import DomainSync
from ses_integration.plan.compile import Layout
from ses_integration.reconcile import queue
from ses_integration.reconcile.loop import reconcile
from ses_integration.reconcile.queue import LockedDomain
from ses_integration.tests.support.counterexamples import claim, counterexample, patched
from ses_integration.tests.support.expectations import recipients_in_ses
from ses_integration.tests.support.fake_domains import DOMAIN, change_behind_our_back, receive
from ses_integration.tests.support.protocol_steps import Writer, run_worker

pytestmark = pytest.mark.sqlite
D = "d@example.com"


@pytest.fixture
def two_rules(ses, rows, settings):
    """SES and the rows hold `a` and `b` in the first rule, and `c` and `d` in the second."""
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    receive(*"abcd")
    reconcile(DOMAIN)
    sweep_database()
    return ses


@contextmanager
def generations_are_not_compared():
    """The listed slots count, although a generation is missing."""

    def changed_slots(locked, _):
        return frozenset(int(change.partition(":")[2]) for change in locked.change_log.split()[1:])

    with patched(LockedDomain, changed_slots=changed_slots):
        yield


@contextmanager
def layout_is_not_compared():
    """One rule is read although the domain was last settled with another layout."""
    with patched(Layout, digest="same"):
        yield


@contextmanager
def change_log_survives_every_pass():
    """A pass over the whole domain leaves the change log as it is."""
    with patched(queue, record_read=lambda *_: None):
        yield


@counterexample(29, generations_are_not_compared)
def test_29_a_generation_that_is_not_listed_may_have_changed_any_rule(two_rules):
    change_behind_our_back(*"abc")
    # So does an older version mark it.
    DomainSync.objects.update(generation=F("generation") + 1)
    receive(*"ebc", slot=0)
    run_worker()
    claim_no_stranger(D)


@counterexample(30, layout_is_not_compared)
def test_30_with_another_layout_a_rule_has_other_slots(two_rules, settings):
    receive(*"abcd")
    run_worker()
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    receive(*"ebcd", slot=0)
    run_worker()
    claim_everybody_receives(*"ebcd")


@counterexample(31, change_log_survives_every_pass)
def test_31_a_pass_with_another_layout_may_have_ended_half_way(two_rules, settings):
    receive(*"ebcd", slot=0)
    settings.SES_MAX_RECIPIENTS_PER_RULE = 3
    x = Writer()
    x.call()
    x.plan()
    answer = x.send()
    # Committed during the last call, so that the pass cannot settle.
    receive(*"fbcd", slot=0)
    x.record(answer)
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    run_worker()
    claim_everybody_receives(*"fbcd")


def claim_no_stranger(address: str) -> None:
    with claim(f"SES holds no {address}, which the rows do not have."):
        assert not DomainSync.objects.get().pending
        assert address not in recipients_in_ses()


def claim_everybody_receives(*local_parts: str) -> None:
    with claim("SES receives for every address."):
        assert not DomainSync.objects.get().pending
        assert recipients_in_ses() == {f"{local}@{DOMAIN}" for local in local_parts}
