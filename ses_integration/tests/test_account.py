"""The ledger is of one AWS account: with the credentials of another one, "not there" does not mean "gone"."""

from __future__ import annotations

import pytest

from ses_integration import account, facts
from ses_integration.config import ses_config
from ses_integration.convergence import converge
from ses_integration.emulator.server import Emulator
from ses_integration.errors import WrongAccount
from ses_integration.models import Capacity, DomainMark
from ses_integration.sweep import sweep_database, sweep_ses
from ses_integration.tests.rows import DOMAIN, receive, remove
from ses_integration.tests.seen import calls, identities, rules
from ses_integration.verification import check

OURS, ANOTHER = "123456789012", "999999999999"
RULE = "inbound-example.com-rule"
pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture(autouse=True)
def asked_anew(aws):
    yield
    aws.clear_faults()
    account.forget()
    account.of_credentials(ses_config())


@pytest.fixture
def a(ses: Emulator) -> Emulator:
    """SES and the rows hold `{a}`."""
    receive("a")
    converge(DOMAIN)
    ses.clear_journal()
    return ses


def moved_to_another() -> None:
    """As if the ledger had been made in another account than that of the credentials."""
    Capacity.objects.update(account=ANOTHER)


def questions(ses: Emulator) -> list[str]:
    return [entry["action"] for entry in ses.journal() if entry["service"] == "sts"]


def test_the_first_account_is_recorded(a):
    assert Capacity.objects.get().account == OURS


def test_sts_is_asked_once(a):
    receive("a", "b")
    converge(DOMAIN)
    receive("b")
    converge(DOMAIN)
    sweep_ses()
    assert questions(a) == []


def test_a_removal_is_neither_sent_to_another_account_nor_taken_for_done(a):
    moved_to_another()
    remove()
    converge(DOMAIN)
    assert calls(a) == []
    assert not facts.domain_state(DOMAIN).rules_gone
    mark = DomainMark.objects.get()
    assert mark.needs_attention
    assert mark.last_error == "The AWS credentials are those of another account than before; ses_doctor says which."


def test_it_goes_on_with_the_right_credentials(a):
    moved_to_another()
    remove()
    converge(DOMAIN)
    Capacity.objects.update(account=OURS)
    DomainMark.objects.update(next_attempt=None)
    converge(DOMAIN)
    assert facts.domain_state(DOMAIN).rules_gone
    assert rules() == {}


def test_a_sweep_takes_nothing_for_lost(a):
    moved_to_another()
    with pytest.raises(WrongAccount):
        sweep_ses()
    assert calls(a) == []
    assert sweep_database() == []


def test_no_status_is_asked_for_in_another_account(a):
    moved_to_another()
    with pytest.raises(WrongAccount):
        check(DOMAIN)
    assert calls(a) == []


@pytest.mark.parametrize("fault", ["dropped", "throttle", "access_denied"])
def test_where_sts_does_not_tell_nothing_is_held_up(ses, fault):
    account.forget()
    ses.add_faults({"service": "sts", "action": "GetCallerIdentity", "fault": fault, "times": None})
    receive("a")
    converge(DOMAIN)
    receive("a", "b")
    converge(DOMAIN)
    assert rules() == {RULE: {"a@example.com", "b@example.com"}}
    assert identities() == {DOMAIN}
    assert questions(ses) == ["GetCallerIdentity"]
