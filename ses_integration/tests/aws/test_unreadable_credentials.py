"""Whatever botocore raises while it looks for credentials: nothing was sent, and a person has to look."""

from __future__ import annotations

import sys

import pytest

from ses_integration.aws import account, clients
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.errors import NoCredentials, NotConfigured
from ses_integration.models import InFlightCall
from ses_integration.reconcile.loop import reconcile
from ses_integration.status.sync_state import SyncState
from ses_integration.tests.support.fake_domains import DOMAIN, receive

ROLE = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/mail", "AWS_WEB_IDENTITY_TOKEN_FILE": "token"}
PRINTED = '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B", "SessionToken": "C", "Expiration": "%s"}'
VARIABLES = {
    "host-that-gives-none": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://metadata.example/"},
    "no-url": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "foo"},
    "relative-without-slash": {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "[foo"},
    "no-time": {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_CREDENTIAL_EXPIRATION": "foo"},
    "no-zone": {
        "AWS_ACCESS_KEY_ID": "A",
        "AWS_SECRET_ACCESS_KEY": "B",
        "AWS_CREDENTIAL_EXPIRATION": "2026-01-31 12:00",
    },
    "expired": {
        "AWS_ACCESS_KEY_ID": "A",
        "AWS_SECRET_ACCESS_KEY": "B",
        "AWS_CREDENTIAL_EXPIRATION": "2020-01-31T12:00:00Z",
    },
    "no-token-file": ROLE,
    "key-without-secret": {"AWS_ACCESS_KEY_ID": "A"},
}
PROFILES = {
    "process-prints-no-json": "credential_process = {python} -c print(1.x)",
    "process-prints-nothing": "credential_process = {python} -c pass",
    "process-prints-no-time": "credential_process = {python} {script}",
    "no-such-process": "credential_process = /nowhere/credentials",
    "no-mode": "defaults_mode = foo\naws_access_key_id = A\naws_secret_access_key = B",
    "no-source": "role_arn = arn:aws:iam::123456789012:role/mail\nsource_profile = nobody",
}
STS_ANSWERS = {
    "internal-error": {"fault": "error", "code": "InternalFailure", "status": 500},
    "validation-error": {"fault": "error", "code": "ValidationError", "status": 400},
    "page-of-a-proxy": {"fault": "page", "status": 200},
    "no-answer": {"fault": "lost"},
}


@pytest.fixture(autouse=True)
def no_credentials(ses, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)
    clients.forget()
    account.forget()
    yield
    monkeypatch.undo()
    ses.clear_faults()
    clients.forget()
    account.forget()
    account.of_credentials(ses_config())


def set_all(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def assert_nothing_is_sent(ses, caplog):
    """Neither a read nor a change is, and the change does not count as one that may be applied."""
    with pytest.raises(NoCredentials, match="cannot be read"):
        Gateway(ses_config()).rules()
    receive("a")
    reconcile(DOMAIN)
    assert not InFlightCall.objects.exists()
    assert {entry["action"] for entry in ses.journal()} <= {"AssumeRoleWithWebIdentity"}
    assert "cannot be read" in SyncState.by_domain([DOMAIN])[DOMAIN].error
    assert not [record for record in caplog.records if record.exc_info and record.name.startswith("ses_integration")]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("variables", VARIABLES.values(), ids=VARIABLES)
def test_variables(ses, monkeypatch, caplog, variables):
    set_all(monkeypatch, variables)
    assert_nothing_is_sent(ses, caplog)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_profiles(ses, tmp_path, caplog, profile):
    script = tmp_path / "script.py"
    script.write_text(f"print({PRINTED % 'tomorrow at noon or so'!r})")
    (tmp_path / "config").write_text("[default]\n" + profile.format(python=sys.executable, script=script))
    assert_nothing_is_sent(ses, caplog)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("answer", STS_ANSWERS.values(), ids=STS_ANSWERS)
def test_answers_instead_of_a_role(ses, tmp_path, monkeypatch, caplog, answer):
    (tmp_path / "token").write_text("a token")
    set_all(monkeypatch, ROLE)
    ses.add_faults({"service": "*", "action": "*", "times": None, **answer})
    assert_nothing_is_sent(ses, caplog)


@pytest.mark.usefixtures("rows")
def test_an_empty_token(ses, tmp_path, monkeypatch, caplog):
    (tmp_path / "token").touch()
    set_all(monkeypatch, ROLE)
    assert_nothing_is_sent(ses, caplog)


KEYS = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize("proxy", ["http://foo bar", "http://a:port"])
def test_a_proxy_that_is_no_address(monkeypatch, name, proxy):
    set_all(monkeypatch, {**KEYS, "NO_PROXY": "", "no_proxy": "", name: proxy})
    with pytest.raises(NotConfigured, match="HTTP_PROXY or HTTPS_PROXY is not the address of a server"):
        Gateway(ses_config()).rules()


@pytest.mark.parametrize("bundle", ["missing", "empty"])
def test_certificates_that_cannot_be_read(ses, tmp_path, monkeypatch, bundle):
    (tmp_path / "empty").touch()
    url = ses.url.replace("http:", "https:")
    set_all(monkeypatch, {**KEYS, "AWS_CA_BUNDLE": str(tmp_path / bundle), "AWS_ENDPOINT_URL": url})
    with pytest.raises(NotConfigured, match="look at AWS_CA_BUNDLE"):
        Gateway(ses_config()).rules()
