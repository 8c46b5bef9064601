from __future__ import annotations

import pytest
from django.test import Client

from inbound.tests.factories import UserFactory
from inbound.tests.faults.world import RECIPIENTS_PER_RULE, Holding, World
from inbound.worker import Worker


@pytest.fixture
def world(ses, user, api, settings) -> World:
    settings.SES_MAX_RECIPIENTS_PER_RULE = RECIPIENTS_PER_RULE
    # What is arranged is complete, and nothing settles by itself, however slow the machine.
    settings.SES_REQUEST_BUDGET = 60
    settings.SES_CALL_SETTLE_SECONDS = 900
    # The worker does at every round what it does once in a while.
    settings.SES_DATABASE_SWEEP_SECONDS = settings.SES_STATUS_SECONDS = 0
    admin = Client()
    admin.force_login(UserFactory(is_staff=True, is_superuser=True))
    # Nobody touches it.
    world = World(ses, user, api, admin, expected={"bystander.org": Holding("ab")})
    world.add("bystander.org", world.expected["bystander.org"])
    return world


@pytest.fixture
def worker(world) -> Worker:
    """One that has looked at SES at its start, and will not again: a fault alone must not need that."""
    worker = Worker()
    worker.tick()
    return worker


@pytest.fixture
def looking_worker(world, settings) -> Worker:
    """One that looks at SES at every round: what others have changed there cannot be known otherwise."""
    settings.SES_SWEEP_SECONDS = 0
    return Worker()
