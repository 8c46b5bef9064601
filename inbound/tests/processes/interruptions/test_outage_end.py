"""The first success after an outage makes all pending work due, while a change of several domains is not committed yet."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from inbound.tests.processes.support.stack import wait_for
from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.models import DomainSync, Lease, LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile import outbox, step
from ses_integration.reconcile.values import Answer, Answered, Intent, PassState

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_the_end_of_an_outage_does_not_wait_for_locked_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could deadlock: it locks the rows in any order, and the change locks them in the order of their names."""
    config = ses_config()
    monkeypatch.setattr(outbox.AfterCommitDrain, "run", lambda drain: None)
    state, intent = a_pass_with_an_intent_for("c.example.com")
    for domain in ("a.example.com", "b.example.com"):
        DomainSync.objects.create(
            region=config.region, rule_set=config.rule_set, domain=domain, generation=1, retry_at=timezone.now()
        )
    Lease.objects.update(outage_since=timezone.now())
    holds_a, may_go_on = threading.Event(), threading.Event()

    def change_both() -> None:
        try:
            with transaction.atomic():
                outbox.mark_dirty("a.example.com")
                holds_a.set()
                may_go_on.wait(30)
                outbox.mark_dirty("b.example.com")
        finally:
            connection.close()

    def end_the_outage() -> None:
        try:
            step.advance(state, Answered(intent, Answer()))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        changing = pool.submit(change_both)
        holds_a.wait(10)
        ending = pool.submit(end_the_outage)
        try:
            wait_for(ending.done, within=5, what="the outage is ended before the change")
        finally:
            may_go_on.set()
        ending.result()
        changing.result()

    assert Lease.objects.get().outage_since is None
    assert set(DomainSync.objects.filter(domain__in=["a.example.com", "b.example.com"]).values_list("retry_at")) == {
        (None,)
    }


def a_pass_with_an_intent_for(domain: str) -> tuple[PassState, Intent]:
    """A pass that has written an intent to delete a rule that no row wants."""
    config = ses_config()
    held = lease.acquire(config)
    assert held is not None
    scope = {"region": config.region, "rule_set": config.rule_set}
    DomainSync.objects.create(**scope, domain=domain, generation=1)
    LedgerEntry.objects.create(
        **scope, domain=domain, kind=ResourceKind.RULE, name="c", presence="present", changed_at=timezone.now()
    )
    state = PassState(config, domain, held)
    intent = step.advance(state)
    assert isinstance(intent, Intent)
    return state, intent
