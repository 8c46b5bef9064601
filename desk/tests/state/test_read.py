"""The state is read from the database: what waits, what is wrong, and whose it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.services import create_address
from desk.state import wording
from desk.state.read import read_state
from desk.state.values import Finding, Kind, Level, State
from domains.deletion.service import delete_domain
from domains.lifecycle.register import add_domain
from domains.models import DomainDeletion
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import (
    DeliveryFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    MessageFactory,
    ReceivedEmailFactory,
    UserFactory,
    WorkerFactory,
)
from mail.models import EndpointGate, MailSweep, Message
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas

pytestmark = pytest.mark.sqlite


def only(state: State) -> Finding:
    [finding] = state.findings
    return finding


def test_with_workers_and_nothing_to_do_everything_is_up_to_date(ses, alive):
    state = read_state()
    assert (state.is_settled, state.needs_you, state.findings) == (True, False, [])
    assert [(worker.kind, worker.is_alive) for worker in state.workers] == [("mail_worker", True), ("ses_worker", True)]
    assert (state.region, state.rule_set) == ("eu-west-1", "inbound-email-rules")
    assert wording.headline(state) == "Nothing needs you. Nothing is pending."


def test_a_worker_that_never_ran_needs_you(ses):
    state = read_state()
    finding = only(state)
    assert (finding.kind, finding.level, finding.subject) == (Kind.WORKER, Level.NEEDS_YOU, "ses_worker")
    assert finding.what == "no ses_worker has ever run"
    assert wording.headline(state) == "No ses_worker has ever run."


def test_a_dead_worker_needs_you_and_nothing_goes_on_by_itself(ses, user, settings):
    WorkerFactory(last_round_at=timezone.now() - timedelta(minutes=4))
    settings.SES_REQUEST_BUDGET = 0.0
    DomainFactory(owner=user)
    state = read_state()
    assert [worker.is_alive for worker in state.workers] == [False]
    assert "(4 min)" in state.findings[0].what
    headline = wording.headline(state)
    assert headline.startswith("No ses_worker has run since ")
    assert headline.endswith("(4 min). 1 thing waits for one.")


def test_a_task_that_fails_is_told_with_the_worker(ses):
    WorkerFactory(problem="sweep SES: AWS gave no answer.", problem_since=timezone.now())
    finding = only(read_state())
    assert (finding.level, finding.subject, finding.why) == (
        Level.PENDING,
        "ses_worker on web01",
        "sweep SES: AWS gave no answer.",
    )


def test_a_change_that_ses_refuses_needs_you(ses, alive, user):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
    domain = add_domain(owner=user, name="example.com").domain
    state = read_state()
    finding = only(state)
    assert (finding.kind, finding.level, finding.domain, finding.tries) == (
        Kind.SES_CHANGE,
        Level.NEEDS_YOU,
        "example.com",
        1,
    )
    assert (finding.page, finding.owner_id) == (("domains.domain", domain.pk), user.pk)
    assert "lack a permission" in finding.why
    assert finding.next_try is not None
    assert state.by_level[Level.NEEDS_YOU].number == state.by_kind[Kind.SES_CHANGE].number == 1
    assert wording.headline(state) == "1 thing needs you. Nothing is pending."


def test_stored_mail_that_s3_refuses_to_erase_needs_you(ses, alive):
    domain = DomainFactory()
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied", "times": None})
    delete_domain(domain=domain, requested_by="me")
    finding = only(read_state())
    assert (finding.kind, finding.level, finding.subject) == (Kind.STORED_MAIL, Level.NEEDS_YOU, domain.name)
    assert finding.page == ("domains.domaindeletion", DomainDeletion.objects.get().pk)


def test_a_deletion_that_waits_for_ses_is_told_once(ses, alive, settings):
    domain = EmailAddressFactory().domain
    settings.SES_REQUEST_BUDGET = 0.0
    delete_domain(domain=domain, requested_by="me")
    state = read_state()
    assert [finding.kind for finding in state.findings] == [Kind.SES_CHANGE]
    assert state.number(Level.PENDING) == 1


def test_mail_and_deliveries_that_wait_are_counted(ses, alive, settings):
    settings.MAIL_SOURCE = "sweep"
    ReceivedEmailFactory(message__state="arrived", message__retry_at=timezone.now())
    for _ in range(2):
        DeliveryFactory()
    DeliveryFactory(state="dead", finished_at=timezone.now())
    state = read_state()
    assert (state.left_out, wording.more(state)) == (0, [])
    found = {(finding.kind, finding.level): finding.what for finding in state.findings}
    assert found[Kind.MAIL_TO_READ, Level.PENDING] == "1 mail to read"
    assert found[Kind.DELIVERY, Level.PENDING] == "2 deliveries to make"
    assert found[Kind.DELIVERY, Level.NEEDS_YOU] == "1 delivery given up"


def test_mail_that_cannot_be_erased_has_its_own_reason(ses, alive):
    now = timezone.now()
    erasing = {"state": Message.State.ERASING, "domain": DomainFactory()}
    MessageFactory(**erasing, retry_at=now, problem="S3 cannot be reached.")
    MessageFactory(**erasing, retry_at=now + timedelta(minutes=9), problem="AWS does not allow it.", stalled=True)
    found = {finding.level: (finding.number, finding.why) for finding in read_state().findings}
    assert found == {Level.NEEDS_YOU: (1, "AWS does not allow it."), Level.PENDING: (1, "S3 cannot be reached.")}
    assert [one.next_try for one in read_state().of(Level.PENDING)] == [now]


def test_an_endpoint_that_is_down_and_a_sweep_with_a_problem_need_you(ses, alive):
    endpoint = EndpointFactory()
    EndpointGate.objects.create(endpoint=endpoint, failures=7, down_since=timezone.now(), problem="It answered 503.")
    domain = DomainFactory()
    MailSweep.objects.create(domain=domain, due_at=timezone.now(), problem="AWS gave no answer.")
    found = {finding.kind: finding for finding in read_state().findings}
    assert found[Kind.ENDPOINT].page == ("endpoints.endpoint", endpoint.pk)
    assert found[Kind.MAIL_SWEEP].page == ("domains.domain", domain.pk)
    assert {finding.level for finding in found.values()} == {Level.NEEDS_YOU}


def test_a_quota_that_is_almost_full_needs_you(ses, alive):
    quotas.record_foreign(ses_config(), rules=159, identities=0)
    assert read_state().is_settled
    quotas.record_foreign(ses_config(), rules=160, identities=0)
    assert only(read_state()).what == "160 of 200 rules (160 not ours)"


def test_mail_is_counted_and_silent_domains_too(ses, alive):
    received = ReceivedEmailFactory(message__arrived_at=timezone.now() - timedelta(hours=2))
    ReceivedEmailFactory(message__arrived_at=timezone.now() - timedelta(days=3))
    DomainFactory(verified_at=timezone.now() - timedelta(days=8))
    DomainFactory(verified_at=timezone.now())
    figures = read_state().mail
    assert (figures.last_at, figures.in_24_hours, figures.silent) == (received.arrived_at, 1, 1)


def test_an_owner_sees_nothing_of_others(ses, alive, user, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    other = UserFactory()
    for owner in (user, other):
        domain = DomainFactory(owner=owner, verified_at=timezone.now() - timedelta(days=8))
        create_address(domain=domain, address=f"a@{domain.name}", endpoint_id=None)
        gone = DomainFactory(owner=owner)
        delete_domain(domain=gone, requested_by="me")
        DomainDeletion.objects.filter(owner=owner).update(rules="done")
        DeliveryFactory(received__message__domain=domain)
        EndpointGate.objects.create(endpoint=EndpointFactory(owner=owner), failures=9, down_since=timezone.now())
        MailSweep.objects.create(domain=domain, due_at=timezone.now(), problem="AWS gave no answer.")
    everything, theirs = read_state(), read_state(user)
    assert len(everything.findings) == 2 * len(theirs.findings) - 1
    assert all(everything.by_kind[kind].number == 2 * tally.number for kind, tally in theirs.by_kind.items())
    names = {domain.name for domain in [*other.domains.all()]} | {
        row.name for row in DomainDeletion.objects.filter(owner=other)
    }
    assert not names & {finding.subject for finding in theirs.findings}
    assert (theirs.mail.silent, everything.mail.silent) == (0, 0)


def test_statements_do_not_grow_and_aws_is_not_called(ses, alive, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    statements = []
    for size in (1, 20):
        for _ in range(size):
            DeliveryFactory(received__message__domain=(domain := DomainFactory()))
            MailSweep.objects.create(domain=domain, due_at=timezone.now(), problem="AWS gave no answer.")
            delete_domain(domain=DomainFactory(), requested_by="me")
        ses.clear_journal()
        with CaptureQueriesContext(connection) as captured:
            read_state()
        assert calls(ses) == []
        statements.append(len(captured))
    # With those that begin and end the transaction on PostgreSQL.
    assert statements[0] == statements[1] <= 39


def test_findings_are_bounded_and_tallies_complete(ses, alive, settings, monkeypatch):
    monkeypatch.setattr("desk.state.read.MOST", 3)
    settings.SES_REQUEST_BUDGET = 0.0
    for _ in range(5):
        DomainFactory()
    state = read_state()
    assert len(state.findings) == 3
    assert state.number(Level.PENDING) == 5
    assert wording.more(state) == ["and 2 more"]


def test_a_worker_that_has_just_died_is_told_before_everything_that_is_older(ses, monkeypatch):
    monkeypatch.setattr("desk.state.read.MOST", 3)
    WorkerFactory(last_round_at=timezone.now() - timedelta(minutes=2))
    for _ in range(4):
        EndpointGate.objects.create(
            endpoint=EndpointFactory(), failures=9, down_since=timezone.now() - timedelta(days=1)
        )
    state = read_state()
    assert state.findings[0].kind is Kind.WORKER
    assert wording.headline(state).startswith("No ses_worker has run since ")
