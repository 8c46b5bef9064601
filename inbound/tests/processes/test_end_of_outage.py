"""The first success after an outage makes everybody's work due, while a change of many domains is being committed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from inbound.tests.processes.stack import eventually
from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.models import DomainSync, Lease, LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile import intent as ledger
from ses_integration.reconcile import outbox, record
from ses_integration.reconcile.steps import Answer, Intent

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_it_does_not_wait_for_marks_that_others_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """It meets the marks in any order, and a change of many takes them in the order of their names: that could deadlock."""
    config = ses_config()
    monkeypatch.setattr(outbox.AfterCommitDrain, "run", lambda drain: None)
    intent = an_intent_for("c.example.com")
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
            record.record(config, *intent, Answer())
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        changing = pool.submit(change_both)
        holds_a.wait(10)
        ending = pool.submit(end_the_outage)
        try:
            eventually(ending.done, within=5, what="it was through while the change was not")
        finally:
            may_go_on.set()
        ending.result()
        changing.result()

    assert Lease.objects.get().outage_since is None
    assert set(DomainSync.objects.filter(domain__in=["a.example.com", "b.example.com"]).values_list("retry_at")) == {
        (None,)
    }


def an_intent_for(domain: str) -> tuple[lease.HeldLease, Intent]:
    """A call that is under way: the removal of a rule that nobody wants."""
    config = ses_config()
    held = lease.acquire(config)
    assert held is not None
    scope = {"region": config.region, "rule_set": config.rule_set}
    DomainSync.objects.create(**scope, domain=domain, generation=1)
    LedgerEntry.objects.create(
        **scope, domain=domain, kind=ResourceKind.RULE, name="c", presence="present", changed_at=timezone.now()
    )
    step = ledger.next_step(config, held, domain, failed=(), gathered=None)
    assert isinstance(step, Intent)
    return held, step
