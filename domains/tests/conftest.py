from __future__ import annotations

import botocore.session
import pytest
from django.db import connection

from domains.tests.dns_server import dns_fixture  # noqa: F401
from inbound.tests.support.prepared import verified_domain
from ses_integration.aws import clients


@pytest.fixture
def domain(user, ses):
    """`example.com`, verified, with its identity in SES and no rule; the journal is empty."""
    domain = verified_domain(ses, user, "example.com")
    ses.clear_journal()
    return domain


@pytest.fixture
def impatient(settings):
    """Requests wait only briefly for SES."""
    settings.SES_REQUEST_BUDGET = 0.4


@pytest.fixture
def no_region(ses, settings):
    settings.AWS_REGION = ""


@pytest.fixture
def no_credentials(ses, monkeypatch):
    """As on a machine without credentials; clears what botocore has cached."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    clients.forget()
    yield
    monkeypatch.undo()
    clients.forget()


@pytest.fixture
def credential_look_ups(monkeypatch):
    """For each look-up of credentials by botocore in this process: whether it happened inside a transaction."""
    look_ups: list[bool] = []
    look_up = botocore.session.Session.get_credentials

    def recorded(session):
        look_ups.append(connection.in_atomic_block)
        return look_up(session)

    monkeypatch.setattr(botocore.session.Session, "get_credentials", recorded)
    return look_ups
