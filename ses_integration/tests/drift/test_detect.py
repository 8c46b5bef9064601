"""Drift of our own rules and identities."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ses_integration.drift.model import DriftKind
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import Operation, Presence, UnknownOutcome
from ses_integration.tests.drift.inputs import (
    DOMAIN,
    IDENTITY,
    RULE,
    A,
    B,
    found,
    holds,
    knows,
    one,
    wants,
)


def test_without_drift_nothing_is_found():
    assert found() == []


def test_a_missing_rule_is_found_with_its_recipients():
    drift = one(rules=())
    assert (drift.kind, drift.name, drift.added) == (DriftKind.MISSING, RULE, (A,))


def test_an_unwanted_rule_is_extra_with_its_recipients():
    drift = one(desired={DOMAIN: DesiredState(identity=True)})
    assert (drift.kind, drift.name, drift.removed) == (DriftKind.EXTRA, RULE, (A,))


def test_other_recipients_are_listed_as_added_and_removed():
    drift = one(rules=(holds(B),))
    assert (drift.kind, drift.added, drift.removed) == (DriftKind.DIFFERENT, (A,), (B,))
    assert drift.reason == "other recipients"


def test_other_actions_differ_without_a_change_of_recipients():
    drift = one(rules=(holds(A, digest=""),))
    assert (drift.kind, drift.reason, drift.added, drift.removed) == (
        DriftKind.DIFFERENT,
        "other actions",
        (),
        (),
    )


@pytest.mark.parametrize(
    ("bucket", "configured"), [("", "S3_BUCKET_NAME is missing"), ("other-mail", "S3_BUCKET_NAME is other-mail")]
)
def test_another_bucket_is_named_with_the_configured_one(bucket, configured):
    moved = DesiredState(identity=True, rules=(replace(wants(A), bucket=bucket),))
    drift = one(desired={DOMAIN: moved})
    assert drift.kind is DriftKind.DIFFERENT
    assert drift.reason == f"other actions: it stores to the bucket inbound-mail, and {configured}"


def test_a_rule_without_recipients_takes_all_mail():
    assert one(rules=(holds(digest=""),)).reason == "it has no recipients, so it takes the mail of every domain"


def test_a_disabled_rule_is_reported_as_disabled_only():
    drift = one(rules=(holds(A, B, enabled=False, digest=""),))
    assert (drift.kind, drift.removed) == (DriftKind.DISABLED, (B,))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((IDENTITY, knows(A, B)), "as wanted; the ledger has it otherwise"),
        ((IDENTITY, knows(presence=Presence.ABSENT)), "as wanted; the ledger has it otherwise"),
        ((IDENTITY,), "as wanted; the ledger does not have it"),
        ((knows(A),), "there; the ledger does not have it"),
    ],
)
def test_a_correct_resource_that_the_ledger_does_not_have_is_unconfirmed(entries, why):
    drift = one(entries={DOMAIN: entries}, recorded_before=frozenset())
    assert (drift.kind, drift.reason) == (DriftKind.UNCONFIRMED, why)


def test_a_domain_with_a_call_in_flight_is_pending_and_not_unconfirmed():
    unconfirmed = knows(
        A, presence=Presence.UNKNOWN, unknown_outcomes=(UnknownOutcome(Operation.UPDATE_RULE, due=False),)
    )
    assert found(entries={DOMAIN: (IDENTITY, unconfirmed)}, pending={DOMAIN: "a call got no answer"}) == [
        (DriftKind.PENDING, DOMAIN)
    ]


def test_a_clean_domain_that_needs_a_call_is_unconfirmed():
    drift = one(entries={DOMAIN: (replace(IDENTITY, has_verification_token=False), knows(A))})
    assert (drift.kind, drift.resource, drift.domain) == (DriftKind.UNCONFIRMED, "domain", DOMAIN)


def test_a_missing_identity_is_found():
    assert found(identities=frozenset()) == [(DriftKind.MISSING, DOMAIN)]


def test_rules_and_identity_of_a_deleted_domain_are_extra():
    assert found(desired={}) == [(DriftKind.EXTRA, DOMAIN), (DriftKind.EXTRA, RULE)]


def test_an_unwanted_identity_that_is_not_ours_is_kept():
    kept = replace(IDENTITY, ours=False)
    assert found(desired={}, rules=(), entries={DOMAIN: (kept,)}) == [(DriftKind.KEPT, DOMAIN)]


def test_a_ledger_entry_that_ses_does_not_hold_is_unconfirmed():
    assert found(desired={}, rules=(), identities=frozenset()) == [
        (DriftKind.UNCONFIRMED, DOMAIN),
        (DriftKind.UNCONFIRMED, RULE),
    ]


def test_a_domain_that_changes_while_ses_is_asked_is_left_out():
    assert found(rules=(), identities=frozenset(), changing=frozenset({DOMAIN})) == []


@pytest.mark.parametrize(
    ("active", "exists", "tells"),
    [
        ("", True, "run ses_setup."),
        ("theirs", True, "theirs is active and receives the mail: run ses_setup --take-over"),
        ("", False, "It does not exist: run ses_setup."),
        ("theirs", False, "It does not exist, and theirs is active: run ses_setup --take-over"),
    ],
)
def test_a_rule_set_that_is_not_active_is_reported_with_the_command_to_run(active, exists, tells):
    drift = one(active=active, rule_set_exists=exists)
    assert drift.kind is DriftKind.NOT_ACTIVE
    assert tells in drift.reason
