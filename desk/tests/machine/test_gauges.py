"""The state as gauges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from desk.machine.gauges import StateCollector
from desk.state.values import Finding, Kind, LastSweep, Level, MailFigures, Quota, State, Tally, WorkerSeen

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
SECRET = "secret.example"


def seen(kind: str, age: int, *, is_alive: bool) -> WorkerSeen:
    return WorkerSeen(
        kind=kind,
        host=SECRET,
        pid=1,
        version="0.2.0",
        started_at=NOW - timedelta(hours=1),
        last_round_at=NOW - timedelta(seconds=age),
        is_alive=is_alive,
    )


STATE = State(
    at=NOW,
    region="eu-west-1",
    rule_set="inbound-email-rules",
    account="123456789012",
    workers=[seen("ses_worker", 4, is_alive=True), seen("mail_worker", 240, is_alive=False)],
    findings=[Finding(Kind.FOREIGN_RULE, Level.NEEDS_YOU, SECRET, "takes mail", domain=SECRET, owner_id=1)],
    by_level={Level.NEEDS_YOU: Tally(2, NOW - timedelta(seconds=30))},
    by_kind={Kind.FOREIGN_RULE: Tally(2, NOW - timedelta(seconds=30))},
    mail=MailFigures(last_at=NOW - timedelta(seconds=90), in_24_hours=12, silent=1, unreachable=4),
    sweep=LastSweep(NOW - timedelta(seconds=70), NOW - timedelta(seconds=60), differences=3, foreign_rules=2),
    quotas=[Quota("rules", 150, 200)],
    deletions_unproved=5,
)


def value(state: State, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(StateCollector(state))
    return registry.get_sample_value(f"inbound_{name}", labels)


def test_what_waits_is_counted_by_level_and_by_kind():
    assert value(STATE, "findings_by_level", level="needs_you") == 2
    assert value(STATE, "findings_by_level_oldest_seconds", level="needs_you") == 30
    assert value(STATE, "findings_by_kind", kind="foreign_rule") == 2


def test_what_does_not_wait_is_zero_and_not_missing():
    """An alert about a missing series never fires."""
    assert value(STATE, "findings_by_level", level="pending") == 0
    assert {value(STATE, "findings_by_kind", kind=kind.value) for kind in Kind} == {0.0, 2.0}


def test_workers_are_counted_by_kind():
    assert value(STATE, "workers_alive", kind="ses_worker") == 1
    assert value(STATE, "workers_alive", kind="mail_worker") == 0
    assert value(STATE, "worker_last_round_age_seconds", kind="mail_worker") == 240


def test_the_rest_of_the_state():
    assert value(STATE, "foreign_rules") == 2
    assert value(STATE, "sweep_age_seconds") == 60
    assert value(STATE, "quota_ratio", quota="rules") == 0.75
    assert value(STATE, "mail_last_age_seconds") == 90
    assert value(STATE, "domains_without_records") == 4
    assert value(STATE, "deletions_unproved") == 5


def test_no_name_of_a_domain_or_a_host_is_a_label():
    for family in StateCollector(STATE).collect():
        for sample in family.samples:
            assert SECRET not in str(sample)


def test_a_new_installation_has_gauges_too():
    state = State(at=NOW, region="", rule_set="", account="")
    assert value(state, "sweep_age_seconds") is None
    assert value(state, "deletions_unproved") == 0


def test_a_worker_that_has_never_run_is_zero_and_not_missing():
    dead = Finding(Kind.WORKER, Level.NEEDS_YOU, "ses_worker", "no ses_worker has ever run", act="Start it.")
    state = replace(STATE, workers=[], findings=[dead])
    assert value(state, "workers_alive", kind="ses_worker") == 0
    assert value(state, "workers_alive", kind="mail_worker") is None
