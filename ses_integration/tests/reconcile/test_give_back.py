"""A pass gives the lease back, however it ends: until it expires, nobody else could write to SES."""

from __future__ import annotations

import time

import pytest

from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.models import DomainSync, Lease
from ses_integration.reconcile.loop import serve
from ses_integration.reconcile.values import Blocked, Locked, PassState, Settled, Wait, Yield
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.second_connection import locked_elsewhere

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("rows")]


@pytest.fixture(params=["request", "worker"])
def run(request):
    """Runs a pass that takes the lease in its first step, or gets it."""

    def run_pass(domain=DOMAIN, seconds=20.0):
        held = lease.acquire(ses_config()) if request.param == "worker" else None
        return serve(PassState(ses_config(), domain, held), time.monotonic() + seconds)[1]

    return run_pass


def lease_is_free() -> bool:
    return Lease.objects.get().holder == ""


def test_after_a_call(ses_with_a, run):
    receive("a", "b")
    assert isinstance(run(), Settled)
    assert lease_is_free()


def test_after_a_change_that_needs_no_call(ses_with_a, run):
    receive("a")
    assert isinstance(run(), Settled)
    assert lease_is_free()


def test_of_a_domain_that_was_never_marked(ses_with_a, run):
    assert run("never.org") == Settled(0)
    assert lease_is_free()


def test_after_a_refusal(ses_with_a, run):
    ses_with_a.add_faults({"service": "ses", "action": "*", "fault": "access_denied", "times": None})
    receive("a", "b")
    assert isinstance(run(), Blocked)
    assert lease_is_free()


def test_of_a_domain_that_yields(ses, run, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    receive(*"abcdefgh")
    receive("x", domain="other.org")
    assert isinstance(run(), Yield)
    assert lease_is_free()


def test_without_time_for_another_call(ses_with_a, run, settings):
    settings.SES_CALLS_PER_SECOND = 0.001
    receive("a", "b")
    run()
    receive("a")
    assert isinstance(run(seconds=1.0), Wait)
    assert lease_is_free()


@pytest.mark.postgresql
def test_of_a_domain_that_is_being_changed(ses_with_a, run):
    receive("a", "b")
    with locked_elsewhere(DomainSync.objects.get()):
        assert isinstance(run(seconds=0.1), Locked | Wait)
    assert lease_is_free()
