"""The worker: what its tasks do, and when they run."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import boto3
import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.utils import timezone

from domains.models import Domain, DomainDeletion
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from inbound.worker import RETRY_SECONDS, BackgroundTask, NotDue, Partly, Worker
from ses_integration.aws import clients
from ses_integration.models import RuleSetState
from ses_integration.tests.support.ses_state import identities, rules
from workers import heartbeat
from workers.alive import is_alive
from workers.heartbeat import Heartbeat
from workers.models import Worker as WorkerRow
from workers.models import WorkerKind
from workers.wording import BUG

pytestmark = pytest.mark.sqlite

SWEEP_CALLS = ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]


def test_it_finishes_what_a_request_had_no_time_for(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    address = EmailAddressFactory()
    assert rules() == {}
    Worker().tick()
    assert rules() == {f"inbound-{address.domain.name}-rule": {address.address}}


def test_it_completes_a_domain_that_a_request_left_pending(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    domain = DomainFactory(status=Domain.Status.PENDING)
    Worker().tick()
    domain.refresh_from_db()
    assert domain.status == Domain.Status.VERIFIED
    assert domain.dns_records.filter(name__startswith="_amazonses.").exists()
    assert domain.dns_records.count() == 9


def test_it_checks_pending_domains_in_one_batch(ses):
    call = boto3.client("ses", region_name="eu-west-1").get_identity_verification_attributes
    pending = [DomainFactory(status=Domain.Status.PENDING) for _ in range(3)]
    Worker().tick()  # completes their DNS records
    Domain.objects.update(status=Domain.Status.PENDING, next_check=timezone.now())
    assert len(call(Identities=[domain.name for domain in pending])["VerificationAttributes"]) == 3
    ses.clear_journal()
    Worker().tick()
    asked = [entry for entry in ses.journal() if entry["action"] == "GetIdentityVerificationAttributes"]
    assert [len(entry["parameters"]["Identities"]) for entry in asked] == [3]
    assert set(Domain.objects.values_list("status", flat=True)) == {"verified"}


def test_it_finishes_a_domain_that_was_deleted_without_the_service(ses):
    address = EmailAddressFactory()
    name, pk = address.domain.name, address.domain.pk
    s3 = boto3.client("s3", region_name="eu-west-1")
    s3.put_object(Bucket="inbound-mail", Key=f"emails/{name}/{pk}/mail-1", Body=b"mail")
    Domain.objects.filter(pk=pk).delete()
    Worker().tick()
    record = DomainDeletion.objects.get(domain_id=pk)
    assert record.finished_at is not None
    assert (record.rules, record.identity, record.rows, record.stored_mail) == ("done", "done", "done", "done")
    assert record.erased_versions == 1
    assert (rules(), identities()) == ({}, set())


def test_a_domain_that_a_sweep_skipped_is_swept_again_once_it_is_up_to_date(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    domain = DomainFactory()
    worker = Worker()
    worker.tick()
    clients.sesv2("eu-west-1").delete_email_identity(EmailIdentity=domain.name)
    EmailAddressFactory(domain=domain)
    worker = Worker()
    worker.tick()  # the domain is pending, so its identity is skipped
    assert (identities(), len(rules())) == (set(), 1)
    ses.clear_journal()
    again = task_of(worker, "sweep SES again")
    for _ in range(2):
        again.due = 0.0
        worker.tick()
        assert identities() == {domain.name}
    assert [entry["action"] for entry in ses.journal()].count("DescribeActiveReceiptRuleSet") == 1


class TestSeveralWorkers:
    def test_workers_that_start_together_sweep_a_minute_apart(self, ses):
        first, second = Worker(), Worker()
        for worker in (first, second):
            worker.tick(once=False)
        assert calls(ses) == SWEEP_CALLS
        assert RETRY_SECONDS < task_of(second, "sweep SES").due - time.monotonic() <= 60
        set_last_sweep(seconds_ago=60)
        assert 3000 < wait_of("sweep SES", second, once=False) <= 3600
        assert calls(ses) == SWEEP_CALLS * 2
        # From then on both together sweep once per interval.
        set_last_sweep(seconds_ago=600)
        assert 60 < wait_of("sweep SES", first, once=False) <= 3000
        assert calls(ses) == SWEEP_CALLS * 2

    def test_after_a_restore_of_the_database_it_sweeps_at_once(self, ses):
        Worker().tick(once=False)
        set_last_sweep(seconds_ago=3599)
        Worker().tick(once=False)
        RuleSetState.objects.all().delete()
        Worker().tick(once=False)
        assert calls(ses) == SWEEP_CALLS * 3

    def test_a_single_round_always_sweeps(self, ses):
        Worker().tick(once=False)
        Worker().tick()
        assert calls(ses) == SWEEP_CALLS * 2

    def test_a_failed_sweep_is_retried_by_one_worker_a_minute_with_growing_delays(self, ses):
        ses.add_faults({"service": "ses", "action": "DescribeActiveReceiptRuleSet", "fault": "throttle", "times": None})
        first, second = Worker(), Worker()
        for _ in range(3):
            for worker in (first, second):
                assert wait_of("sweep SES", worker, once=False) <= 60
        assert calls(ses) == SWEEP_CALLS[:1]
        set_last_sweep(seconds_ago=60)
        assert wait_of("sweep SES", first, once=False) <= RETRY_SECONDS
        assert task_of(first, "sweep SES").failures == 2
        ses.clear_faults()
        # The interval of the other worker, whose last sweep did not fail, does not apply to it.
        set_last_sweep(seconds_ago=60)
        wait_of("sweep SES", first, once=False)
        assert calls(ses) == SWEEP_CALLS[:1] * 2 + SWEEP_CALLS


def test_a_task_that_fails_does_not_stop_the_others(ses, settings, caplog):
    settings.SES_REQUEST_BUDGET = 0.0
    EmailAddressFactory()
    ses.add_faults({"service": "ses", "action": "DescribeActiveReceiptRuleSet", "fault": "access_denied"})
    Worker().tick()
    assert "sweep SES: AWS does not allow ses:DescribeActiveReceiptRuleSet" in caplog.text
    assert len(rules()) == 1


def test_the_delay_grows_while_aws_fails(ses):
    worker = Worker()
    ses.add_faults({"service": "sesv2", "action": "ListEmailIdentities", "fault": "throttle", "times": None})
    waits = [wait_of("sweep SES", worker) for _ in range(9)]
    # Half of it is jitter: 256 seconds at the ninth failure.
    assert waits[0] <= RETRY_SECONDS < 100 < waits[-1] <= 256
    ses.clear_faults()
    assert wait_of("sweep SES", worker) == pytest.approx(3600, abs=60)
    ses.add_faults({"service": "sesv2", "action": "ListEmailIdentities", "fault": "throttle"})
    assert wait_of("sweep SES", worker) <= RETRY_SECONDS


def test_a_failure_that_a_person_must_fix_is_delayed_long_at_once(ses):
    ses.add_faults({"service": "*", "action": "*", "fault": "access_denied", "times": None})
    worker = Worker()
    assert wait_of("sweep SES", worker) > 14 * 60
    # Also for a task that runs every few seconds.
    DomainFactory()
    assert wait_of("check domains", worker) > 14 * 60


def test_a_task_that_fails_in_the_database_is_retried_soon(transactional_db):
    worker = failing(OperationalError("gone"), interval=3600.0)
    assert max(wait_of("fails", worker) for _ in range(9)) <= RETRY_SECONDS


@pytest.mark.parametrize(
    ("error", "sentence", "needs_you"),
    [
        (OperationalError("gone"), "The database cannot be used.", False),
        (InterfaceError("closed"), "The database cannot be used.", False),
        (ProgrammingError("no such column"), "It failed because of a bug; the log of the worker says more.", True),
    ],
)
def test_a_task_that_fails_in_the_database_is_told_until_it_works(transactional_db, error, sentence, needs_you):
    worker = failing(error, interval=0.0)
    [task] = worker._tasks
    worker.tick()
    assert (task.problem, task.needs_you) == (sentence, needs_you)
    task.run, task.due = lambda: NotDue(5.0), 0.0
    worker.tick()
    assert (task.problem, task.needs_you) == ("", False)


def test_an_outage_of_the_database_is_logged_when_it_begins_and_when_it_ends(transactional_db, caplog):
    outcomes = iter([1, OperationalError("gone"), OperationalError("gone"), OperationalError("still gone"), 1, 1])

    def run():
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    worker = Worker()
    worker._tasks = [BackgroundTask("look", run)]
    for _ in range(6):
        worker.tick()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["look: the database failed: gone", "The database is back."]


def test_the_delay_of_a_task_with_a_bug_grows(transactional_db):
    worker = failing(ZeroDivisionError(), interval=0.0)
    assert [wait_of("fails", worker) for _ in range(9)][-1] > 100


def test_a_task_that_fails_in_part_says_so_and_runs_again_as_usual(transactional_db):
    worker = Worker()
    [task] = worker._tasks = [BackgroundTask("tell", lambda: Partly(3))]
    for _ in range(4):
        result = worker.tick()
        assert (result.counts, result.failed) == ({"tell": 3}, ["tell"])
    assert (task.problem, task.needs_you) == (BUG, True)
    assert task.due <= time.monotonic()


def test_with_auto_setup_it_creates_the_rule_set_first(aws, transactional_db, settings):
    settings.SES_AUTO_SETUP = True
    settings.SES_REQUEST_BUDGET = 0.0
    EmailAddressFactory()
    Worker().tick()
    assert len(rules()) == 1


def test_a_task_that_takes_long_says_meanwhile_that_the_worker_is_alive(ses, settings, monkeypatch):
    settings.SES_REQUEST_BUDGET = 0.0
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.0)

    def is_heard(run: Callable[[], object]) -> bool:
        WorkerRow.objects.update(last_round_at=timezone.now() - timedelta(minutes=2))
        run()
        return is_alive(WorkerKind.SES)

    with Heartbeat(WorkerKind.SES) as beat:
        worker = Worker(beat)
        for name in ("reconcile", "sweep SES"):
            EmailAddressFactory()
            assert is_heard(task_of(worker, name).run), name


def test_a_stopped_worker_starts_no_task(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    EmailAddressFactory()
    worker = Worker()
    worker.stop()
    worker.run()
    assert ses.journal() == []


def task_of(worker: Worker, name: str) -> BackgroundTask:
    return next(task for task in worker._tasks if task.name == name)


def wait_of(name: str, worker: Worker, *, once: bool = True) -> float:
    """Run the task now; returns in how many seconds it is due again."""
    task = task_of(worker, name)
    task.due = 0.0
    worker.tick(once=once)
    return task.due - time.monotonic()


def set_last_sweep(*, seconds_ago: float) -> None:
    """Pretend that the last sweep of SES was then."""
    RuleSetState.objects.update(swept_at=timezone.now() - timedelta(seconds=seconds_ago))


def calls(ses) -> list[str]:
    return [entry["action"] for entry in ses.journal()]


def failing(error: Exception, *, interval: float) -> Worker:
    def fail() -> None:
        raise error

    worker = Worker()
    worker._tasks = [BackgroundTask("fails", fail, interval)]
    return worker
