"""A running worker sees by itself that somebody adds a rule that takes our mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.db.models import F
from django.db.models.functions import Now

from desk.state.read import read_state
from desk.state.values import Finding, Kind
from desk.tests.surfaces.reading import Said
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, WorkerFactory
from ses_integration.models import SesSweep
from ses_integration.watch.look import LOOK_SECONDS
from workers.models import Worker, WorkerKind

pytestmark = [pytest.mark.processes, pytest.mark.postgresql]

SENTENCES = ["is not ours and takes mail of shop.example", "Have its owner disable it, or remove our domains from it."]


def let_time_pass() -> None:
    """Make the next look due. The next sweep is not: the worker has the shipped interval."""
    SesSweep.objects.update(looked_at=F("looked_at") - timedelta(seconds=LOOK_SECONDS))


def foreign_rules() -> list[Finding]:
    """As the surfaces will say, which may differ while they are asked one after the other."""
    return [finding for finding in read_state().findings if finding.kind is Kind.FOREIGN_RULE]


@pytest.fixture
def now(surfaces: Callable[[], Said]) -> Callable[[], Said]:
    """What all surfaces say now, while a mail worker runs, too."""
    mail_worker = WorkerFactory(kind=WorkerKind.MAIL)

    def look() -> Said:
        Worker.objects.filter(pk=mail_worker.pk).update(last_round_at=Now())
        return surfaces()

    return look


def test_it_shows_within_a_minute_until_it_is_removed(worker, ses, user, now):
    EmailAddressFactory(domain=DomainFactory(owner=user, name="shop.example"), address="hello@shop.example")
    worker.start()
    wait_for(lambda: SesSweep.objects.exclude(ended_at=None).exists(), within=60, what="the worker has swept")
    now().assert_settled(*SENTENCES)

    stranger = boto3.client("ses", region_name="eu-west-1")
    rule: Any = {"Name": "legacy", "Enabled": True, "Recipients": ["shop.example"], "Actions": []}
    stranger.create_receipt_rule(RuleSetName="inbound-email-rules", Rule=rule)
    let_time_pass()
    wait_for(foreign_rules, within=60, what="the foreign rule shows")
    said = now()
    said.assert_shows(Kind.FOREIGN_RULE, "legacy", *SENTENCES)
    assert said.metrics["inbound_foreign_rules", ""] == 1

    stranger.delete_receipt_rule(RuleSetName="inbound-email-rules", RuleName="legacy")
    let_time_pass()
    wait_for(lambda: not foreign_rules(), within=60, what="the foreign rule is gone")
    now().assert_settled("legacy", *SENTENCES)
