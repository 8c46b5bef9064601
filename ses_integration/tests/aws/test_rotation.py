"""Rotated credentials are used without a restart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from ses_integration.aws import account, clients
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.errors import BadCredentials, NoCredentials, Refused, SesError, WrongAccount
from ses_integration.models import DomainSync, RuleSetState
from ses_integration.reconcile.loop import reconcile
from ses_integration.status.sync_state import pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.ses_state import rules

pytestmark = pytest.mark.usefixtures("rows")
RULE = "inbound-example.com-rule"
CODES = ["InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "UnrecognizedClientException"]

Write = Callable[..., None]


@pytest.fixture
def write(ses, tmp_path: Path, monkeypatch) -> Iterator[Write]:
    """`write("KEY")` writes the shared credentials file, which is the only source of credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def write(key: str, *, value: str = "any", profile: str = "default") -> None:
        file.write_text(f"[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = {value}\n")

    write("OLD")
    clients.forget()
    yield write
    monkeypatch.undo()
    clients.forget()
    account.forget()
    account.of_credentials(ses_config())


def refuse(ses, key: str, code: str = CODES[0]) -> None:
    ses.add_faults(
        {"service": "*", "action": "*", "fault": "error", "code": code, "status": 403, "times": None, "access_key": key}
    )


def deactivate_and_rotate(ses, write: Write, code: str = CODES[0]) -> None:
    Gateway(ses_config()).rules()
    refuse(ses, "OLD", code)
    write("NEW")


@pytest.mark.parametrize("code", CODES)
def test_a_change_is_sent_with_the_new_key_within_its_request(ses, write, code):
    deactivate_and_rotate(ses, write, code)
    receive("a")
    reconcile(DOMAIN)
    assert rules() == {RULE: {"a@example.com"}}
    assert not pending_domains().exists()


def test_a_new_secret_of_the_same_key_is_used(ses, write):
    Gateway(ses_config()).rules()
    ses.add_faults({"service": "ses", "action": "*", "fault": "error", "code": "SignatureDoesNotMatch"})
    write("OLD", value="another")
    with pytest.raises(BadCredentials) as error:
        Gateway(ses_config()).rules()
    assert not error.value.needs_attention
    assert clients.current().credentials() == ("OLD", "another", "")


def test_a_key_that_is_written_later_is_used_within_a_minute(ses, write, monkeypatch):
    receive("a")
    refuse(ses, "OLD")
    reconcile(DOMAIN)
    sync = DomainSync.objects.get()
    assert (sync.stalled, sync.last_error) == (True, "AWS does not accept the credentials.")
    assert sync.retry_at - sync.queued_at < timedelta(minutes=1, seconds=5)
    write("NEW")
    monkeypatch.setattr(clients, "RENEW_SECONDS", 0.0)
    DomainSync.objects.update(retry_at=None)
    reconcile(DOMAIN)
    assert not pending_domains().exists()


def test_a_new_key_of_another_account_is_refused(ses, write, monkeypatch):
    another = "999999999999"
    monkeypatch.setitem(account._account_of_key, "OLD", another)
    RuleSetState.objects.update(account=another)
    deactivate_and_rotate(ses, write)
    receive("a")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == WrongAccount().sentence
    assert rules() == {}


def test_the_right_key_is_used_after_one_of_another_account(ses, write, monkeypatch):
    monkeypatch.setitem(account._account_of_key, "OLD", "999999999999")
    receive("a")
    reconcile(DOMAIN)
    sync = DomainSync.objects.get()
    assert sync.last_error == WrongAccount().sentence
    assert sync.retry_at - sync.queued_at < timedelta(minutes=1, seconds=5)
    write("NEW")
    monkeypatch.setattr(clients, "RENEW_SECONDS", 0.0)
    for _ in range(2):
        DomainSync.objects.update(retry_at=None)
        reconcile(DOMAIN)
    assert rules() == {RULE: {"a@example.com"}}


def test_a_key_that_may_do_more_is_used_after_one_that_may_not(ses, write):
    ses.add_faults({"service": "ses", "action": "*", "fault": "access_denied", "times": None, "access_key": "OLD"})
    gateway = Gateway(ses_config())
    write("NEW")
    with pytest.raises(Refused) as error:
        gateway.rules()
    assert error.value.needs_attention
    assert Gateway(ses_config()).rules() == []


def test_clients_keep_the_credentials_whose_account_was_verified(ses, write):
    verified = account.verify(ses_config())
    deactivate_and_rotate(ses, write)
    with pytest.raises(BadCredentials):
        Gateway(ses_config()).rules()
    with pytest.raises(BadCredentials):
        Gateway(ses_config(), verified=verified).rules()
    assert Gateway(ses_config(), verified=account.verify(ses_config())).rules() == []


@pytest.mark.parametrize(
    "text",
    ["", "[default]\naws_access_key_id = NEW\n", "[default]\naws_access_k", "aws_access_key_id", "[default"],
    ids=["empty", "without secret", "cut", "no section", "cut section"],
)
def test_a_file_that_is_only_half_written_is_read_again(ses, write, tmp_path: Path, text):
    Gateway(ses_config()).rules()
    refuse(ses, "OLD")
    (tmp_path / "credentials").write_text(text)
    with pytest.raises(BadCredentials):
        Gateway(ses_config()).rules()
    clients.forget()
    with pytest.raises(NoCredentials):
        Gateway(ses_config()).rules()
    write("NEW")
    assert Gateway(ses_config()).rules() == []


def test_a_profile_that_appears_later_is_used(ses, write, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mail")
    clients.forget()
    with pytest.raises(NoCredentials):
        Gateway(ses_config()).rules()
    write("NEW", profile="mail")
    assert Gateway(ses_config()).rules() == []


def test_refused_credentials_of_the_environment_need_attention(ses, write, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OLD")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    deactivate_and_rotate(ses, write)
    with pytest.raises(BadCredentials) as error:
        Gateway(ses_config()).rules()
    assert error.value.needs_attention


def test_many_refused_threads_read_the_credentials_once(ses, write, tmp_path: Path):
    answer = {"Version": 1, "AccessKeyId": "OLD", "SecretAccessKey": "secret"}
    (tmp_path / "answer").write_text(json.dumps(answer))
    program = f"""sh -c 'echo run >> "{tmp_path}/runs"; cat "{tmp_path}/answer"'"""
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
    (tmp_path / "credentials").unlink()
    gateway = Gateway(ses_config())
    refuse(ses, "OLD")
    (tmp_path / "answer").write_text(json.dumps({**answer, "AccessKeyId": "NEW"}))

    def call(_: int) -> SesError:
        with pytest.raises(BadCredentials) as error:
            gateway.rules()
        return error.value

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(call, range(24)))
    assert not any(error.needs_attention for error in errors)
    assert (tmp_path / "runs").read_text().split() == ["run"] * 2
    assert Gateway(ses_config()).rules() == []
