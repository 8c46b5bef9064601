"""Somebody adds a rule that takes our mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.db.models import F

from desk.state.values import Kind
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from inbound.worker import LOOK_SECONDS as TURN_SECONDS
from ses_integration.models import SesSweep
from ses_integration.watch.look import LOOK_SECONDS
from ses_integration.watch.sweeper import SesSweeper

pytestmark = pytest.mark.sqlite

SENTENCES = ["is not ours and takes mail of shop.example", "Have its owner disable it, or remove our domains from it."]


def a_minute_later(sweeper: SesSweeper) -> None:
    """The next look of a worker is within a minute, whenever the last one was."""
    assert LOOK_SECONDS + TURN_SECONDS < 60
    SesSweep.objects.update(looked_at=F("looked_at") - timedelta(seconds=LOOK_SECONDS))
    sweeper.look()


def test_it_shows_within_a_minute_until_it_is_removed(ses, user, alive, surfaces):
    EmailAddressFactory(domain=DomainFactory(owner=user, name="shop.example"), address="hello@shop.example")
    sweeper = SesSweeper(3600.0)
    sweeper.sweep()
    surfaces().assert_settled(*SENTENCES)

    stranger = boto3.client("ses", region_name="eu-west-1")
    rule: Any = {"Name": "legacy", "Enabled": True, "Recipients": ["shop.example"], "Actions": []}
    stranger.create_receipt_rule(RuleSetName="inbound-email-rules", Rule=rule)
    a_minute_later(sweeper)
    said = surfaces()
    said.assert_shows(Kind.FOREIGN_RULE, "legacy", *SENTENCES)
    assert said.metrics["inbound_foreign_rules", ""] == 1
    assert "1 thing needs you." in said.headline

    stranger.delete_receipt_rule(RuleSetName="inbound-email-rules", RuleName="legacy")
    a_minute_later(sweeper)
    surfaces().assert_settled("legacy", *SENTENCES)
