"""Sync state in words for people and for JSON."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ses_integration.models import DomainSync
from ses_integration.status import wording
from ses_integration.status.sync_state import SyncState, SyncStatus


def test_wire_values_never_change():
    assert [status.wire for status in SyncStatus] == ["in line", "owed", "in doubt", "needs attention"]


def test_labels_are_those_of_the_glossary():
    assert [status.label for status in SyncStatus] == ["up to date", "pending", "unconfirmed", "needs you"]


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({}, SyncStatus.UP_TO_DATE, "up to date"),
        ({"generation": 2}, SyncStatus.PENDING, "pending: Not tried yet."),
        ({"generation": 2, "last_error": "AWS gave no answer."}, SyncStatus.PENDING, "pending: AWS gave no answer."),
        (
            {"generation": 2, "stalled": True, "last_error": "An SES quota is exhausted."},
            SyncStatus.NEEDS_ATTENTION,
            "needs you: An SES quota is exhausted.",
        ),
    ],
)
def test_state_without_a_call_in_flight_is_named_with_its_reason(fields, status, text):
    state = _state(None, **fields)
    assert (state.status, str(state)) == (status, text)


def test_call_in_flight_is_unconfirmed_until_it_is_due():
    until = timezone.now() + timedelta(minutes=10)
    state = _state(until)
    assert (state.status, state.next_try) == (SyncStatus.UNCONFIRMED, until)
    assert str(state) == f"unconfirmed: {wording.unanswered(until)}"
    assert _state(timezone.now() - timedelta(seconds=1)).status is SyncStatus.PENDING


def test_lag_and_details_have_everything_that_is_known():
    until = timezone.now() + timedelta(minutes=10)
    state = _state(until, generation=3, last_error="AWS is throttling our calls.")
    assert state.lag == "2 changes behind, 1 unanswered call"
    assert state.details == f"{wording.unanswered(until)} AWS is throttling our calls."
    assert state.backlog == f"2 changes behind. {state.details}"
    assert _state(None).lag == _state(None).details == ""


@pytest.mark.django_db
def test_domain_that_was_never_marked_is_pending():
    assert str(SyncState.by_domain(["example.com"])["example.com"]) == "pending: Not tried yet."


def _state(unknown_until, **fields):
    sync = DomainSync(**{"generation": 1, "observed_generation": 1} | fields)
    sync.unknown_until, sync.unanswered = unknown_until, int(unknown_until is not None)
    return SyncState.of(sync)
