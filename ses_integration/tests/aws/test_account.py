"""The ledger belongs to one AWS account. With credentials of another one, no call is made and nothing counts as gone."""

from __future__ import annotations

import boto3
import pytest

from ses_integration.aws import account, clients
from ses_integration.conf import ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.drift.previous_scopes import find_previous_scopes, forget, forget_gone
from ses_integration.drift.sweep import sweep_database, sweep_ses
from ses_integration.emulator.server import Emulator
from ses_integration.errors import WrongAccount
from ses_integration.models import DomainSync, InFlightCall, RuleSetState
from ses_integration.reconcile.loop import reconcile
from ses_integration.status import confirmation
from ses_integration.status.identities import RecordedIdentity
from ses_integration.status.sync_state import pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.ses_state import calls, identities, rules

OURS, ANOTHER = "123456789012", "999999999999"
RULE = "inbound-example.com-rule"
pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture(autouse=True)
def forget_account(aws):
    yield
    aws.clear_faults()
    account.forget()
    account.of_credentials(ses_config())


def record_another_account() -> None:
    """Let the ledger describe another account than that of the credentials."""
    RuleSetState.objects.update(account=ANOTHER)


def sts_calls(ses: Emulator) -> list[str]:
    return [entry["action"] for entry in ses.journal() if entry["service"] == "sts"]


def test_first_account_is_recorded(ses_with_a):
    assert RuleSetState.objects.get().account == OURS


def test_sts_is_asked_once(ses_with_a):
    receive("a", "b")
    reconcile(DOMAIN)
    receive("b")
    reconcile(DOMAIN)
    sweep_ses()
    assert sts_calls(ses_with_a) == []


def test_recorded_account_that_the_caller_has_read_is_not_read_again(ses, django_assert_num_queries):
    with django_assert_num_queries(0):
        account.verify(ses_config(), recorded=OURS)
        with pytest.raises(WrongAccount):
            account.verify(ses_config(), recorded=ANOTHER)


def test_first_account_is_recorded_even_if_the_caller_has_read_that_there_is_none(ses):
    RuleSetState.objects.update(account="")
    account.verify(ses_config(), recorded="")
    assert RuleSetState.objects.get().account == OURS


def test_removal_is_not_sent_to_another_account(ses_with_a):
    record_another_account()
    remove()
    reconcile(DOMAIN)
    assert calls(ses_with_a) == []
    assert not confirmation.domain_state(DOMAIN).rules_gone
    sync = DomainSync.objects.get()
    assert sync.stalled
    assert (
        sync.last_error
        == "The AWS credentials belong to a different account than the recorded one; ses_doctor names both."
    )


def test_work_continues_with_the_right_credentials(ses_with_a):
    record_another_account()
    remove()
    reconcile(DOMAIN)
    RuleSetState.objects.update(account=OURS)
    DomainSync.objects.update(retry_at=None)
    reconcile(DOMAIN)
    assert confirmation.domain_state(DOMAIN).rules_gone
    assert rules() == {}


def test_sweep_of_another_account_is_refused(ses_with_a):
    record_another_account()
    with pytest.raises(WrongAccount):
        sweep_ses()
    assert calls(ses_with_a) == []
    assert sweep_database() == []


def test_identity_is_not_checked_in_another_account(ses_with_a):
    record_another_account()
    with pytest.raises(WrongAccount):
        RecordedIdentity.check(DOMAIN)
    assert calls(ses_with_a) == []


STS_FAILURES = [("dropped", "AWS gave no answer."), ("throttle", "AWS is throttling our calls.")]


@pytest.mark.parametrize("fault", [fault for fault, _ in STS_FAILURES])
def test_failing_sts_is_ignored_before_an_account_is_recorded(ses, fault):
    RuleSetState.objects.update(account="")
    account.forget()
    ses.add_faults({"service": "sts", "action": "GetCallerIdentity", "fault": fault, "times": None})
    receive("a")
    reconcile(DOMAIN)
    receive("a", "b")
    reconcile(DOMAIN)
    assert rules() == {RULE: {"a@example.com", "b@example.com"}}
    assert identities() == {DOMAIN}
    assert sts_calls(ses) == ["GetCallerIdentity"]


@pytest.mark.parametrize(("fault", "sentence"), STS_FAILURES)
def test_failing_sts_blocks_calls_once_an_account_is_recorded(ses_with_a, fault, sentence):
    """After a restart with other credentials, a slow STS must not make pending removals look done."""
    account.forget()
    ses_with_a.add_faults({"service": "sts", "action": "GetCallerIdentity", "fault": fault, "times": None})
    remove()
    with shared_deadline(0.5):
        reconcile(DOMAIN)
    assert calls(ses_with_a) == []
    sync = DomainSync.objects.get()
    assert (sync.last_error, sync.stalled) == (sentence, False)
    assert not InFlightCall.objects.exists()
    ses_with_a.clear_faults()
    account.forget()
    DomainSync.objects.update(retry_at=None)
    reconcile(DOMAIN)
    assert confirmation.domain_state(DOMAIN).rules_gone


def test_without_a_region_sts_is_not_asked(ses, settings):
    account.forget()
    settings.AWS_REGION = ""
    receive("a")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "AWS region or credentials are missing."
    assert sts_calls(ses) == []
    assert not RuleSetState.objects.filter(region="").exists()


ROLE = "arn:aws:iam::123456789012:role/guest"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"AWS_PROFILE": "guest"}, "AWS does not allow sts:AssumeRole; the credentials lack a permission."),
        (
            {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"},
            "A file of the AWS credentials cannot be read.",
        ),
    ],
    ids=["refused", "no token"],
)
def test_role_that_cannot_be_assumed_is_reported(ses_with_a, tmp_path, monkeypatch, environment, sentence):
    (tmp_path / "credentials").write_text("[base]\naws_access_key_id = base\naws_secret_access_key = secret\n")
    (tmp_path / "config").write_text(f"[profile guest]\nrole_arn = {ROLE}\nsource_profile = base\nregion = eu-west-1\n")
    files = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in (files | environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    ses_with_a.add_faults({"service": "sts", "action": "AssumeRole", "fault": "access_denied", "times": None})
    clients.forget()
    try:
        remove()
        reconcile(DOMAIN)
    finally:
        monkeypatch.undo()
        clients.forget()
    sync = DomainSync.objects.get()
    assert (sync.last_error, sync.stalled) == (sentence, True)
    assert not InFlightCall.objects.exists()


class TestPreviousScope:
    @pytest.fixture
    def previous(self, ses_with_a, settings):
        settings.SES_RULE_SET = "new-rules"
        RuleSetState.objects.filter(rule_set="inbound-email-rules").update(account="")
        (ledger,) = find_previous_scopes(ses_config())
        return ledger

    def test_ledger_of_an_unknown_account_is_not_compared_with_ses(self, previous):
        with pytest.raises(WrongAccount):
            forget_gone(ses_config(), previous)
        assert find_previous_scopes(ses_config()) == [previous]

    def test_operator_can_forget_the_ledger_of_an_unknown_account(self, previous):
        assert forget(previous) == 2
        assert find_previous_scopes(ses_config()) == []
