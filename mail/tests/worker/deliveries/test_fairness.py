"""A receiver that is dead, hangs, is slow or wants to be left alone does not hold up the mail of the others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from inbound.tests.processes.support.stack import wait_for
from mail.models import Delivery, EndpointGate
from mail.tests.postbox import Postbox
from mail.tests.worker.deliveries.hooks import fill, got, hook, running, senders_left
from mail.worker.worker import MailWorker

pytestmark = [pytest.mark.postgresql]

HEALTHY = ("one", "two", "three")


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.MAIL_SOURCE = "none"


def test_healthy_endpoints_are_served_beside_all_kinds_of_bad_ones(postbox: Postbox) -> None:
    good = {name: hook(postbox, name) for name in HEALTHY}
    bad = {
        "dead": hook(postbox, "dead", {"fault": "reset"}),
        "hanging": hook(postbox, "hanging", {"fault": "slow_head"}, timeout=8),
        "slow": hook(postbox, "slow", {"delay": 3}, timeout=20),
        "busy": hook(postbox, "busy", {"status": 429, "headers": {"Retry-After": "600"}}),
        "broken": hook(postbox, "broken", {"status": 500}),
    }
    for endpoint in (*bad.values(), *good.values()):
        fill(postbox, endpoint, 30)
    with running(MailWorker(senders=16)):
        served = Delivery.objects.filter(endpoint__in=good.values())
        wait_for(
            lambda: not served.exclude(state="delivered").exists(), within=15, what="the others' mail is delivered"
        )
        slow = Delivery.objects.filter(endpoint=bad["slow"], state="delivered")
        wait_for(lambda: slow.count() >= 8, within=30, what="slow ones are served as well")
    wait_for(lambda: not senders_left(), within=30, what="no sender is left")
    for name in HEALTHY:
        assert Counter(got(postbox, name)).most_common(1)[0][1] == 1
    attempts = Counter(Delivery.objects.filter(attempts__gt=0).values_list("endpoint__name", flat=True))
    # What waits at a closed gate spends no attempts.
    assert all(attempts[name] <= 16 for name in ("dead", "hanging", "busy", "broken")), attempts
    assert len(got(postbox, "busy")) <= 8
    gates = {gate.endpoint.name: gate for gate in EndpointGate.objects.select_related("endpoint")}
    assert gates["dead"].failures >= 5
    assert gates["slow"].is_slow
    assert set(gates) & set(HEALTHY) == set()
    # What was under way has been given back.
    assert not Delivery.objects.filter(leased_until__isnull=False).exists()


def test_once_makes_what_is_due_and_leaves_what_is_scheduled_for_later(postbox: Postbox, settings: Any) -> None:
    settings.WEBHOOK_RETRY_SECONDS = [0.0, 0.0, 600.0]
    for name, answer in (("one", None), ("broken", {"status": 500})):
        fill(postbox, hook(postbox, name, answer), 4)
    worker = MailWorker()
    counts = worker.run_once()
    assert (counts["delivery delivered"], counts["delivery to be retried"]) == (4, 4)
    assert Counter(Delivery.objects.values_list("state", "attempts")) == {("delivered", 1): 4, ("due", 1): 4}
