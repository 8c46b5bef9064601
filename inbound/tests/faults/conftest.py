from __future__ import annotations

import pytest
from django.test import Client

from inbound.tests.faults.installation import RECIPIENTS_PER_RULE, Installation, Receiving
from inbound.tests.support.factories import UserFactory
from inbound.worker import Worker


@pytest.fixture
def installation(ses, user, api, settings) -> Installation:
    settings.SES_MAX_RECIPIENTS_PER_RULE = RECIPIENTS_PER_RULE
    # On a slow machine, too, preparations are complete, and unanswered calls expire only when a test says so.
    settings.SES_REQUEST_BUDGET = 60
    settings.SES_CALL_SETTLE_SECONDS = 900
    # The worker does in every round what it usually does from time to time.
    settings.SES_DATABASE_SWEEP_SECONDS = settings.SES_STATUS_SECONDS = 0
    admin = Client()
    admin.force_login(UserFactory(is_staff=True, is_superuser=True))
    # No case changes this domain.
    installation = Installation(ses, user, api, admin, expected={"bystander.org": Receiving("ab")})
    installation.add("bystander.org", installation.expected["bystander.org"])
    return installation


@pytest.fixture
def worker(installation) -> Worker:
    """A worker that sweeps SES at its start only: faults alone must not need another sweep."""
    worker = Worker()
    worker.tick()
    return worker


@pytest.fixture
def sweeping_worker(installation, settings) -> Worker:
    """A worker that sweeps SES in every round: only a sweep finds what others changed there."""
    settings.SES_SWEEP_SECONDS = 0
    return Worker()
