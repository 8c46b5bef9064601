"""The demo's sample data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from endpoints.models import Endpoint
from endpoints.services import update_endpoint
from inbound.demo.environment import DemoEnvironment
from inbound.demo.seed import FORWARDED, WEBHOOK, seed

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def demo(tmp_path: Path, ses: Any, settings: Any) -> DemoEnvironment:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    return DemoEnvironment(tmp_path, 8000, 5599, 5598, 2525)


def webhook() -> Endpoint:
    return Endpoint.objects.get(name=WEBHOOK)


def test_the_webhook_follows_the_port_of_the_emulator(demo: DemoEnvironment) -> None:
    seed(demo)
    first = webhook()
    assert first.config["url"] == "http://127.0.0.1:5599/_hooks/demo"
    seed(replace(demo, emulator_port=5700))
    assert webhook().config == {**first.config, "url": "http://127.0.0.1:5700/_hooks/demo"}
    assert webhook().sealed_secret == first.sealed_secret


def test_the_webhook_of_an_earlier_version_moves_to_the_emulator(demo: DemoEnvironment) -> None:
    seed(demo)
    Endpoint.objects.filter(name=WEBHOOK).update(config={"url": "https://example.com/webhook"})
    seed(demo)
    assert webhook().config["url"] == demo.hook_url


def test_a_webhook_that_somebody_has_pointed_elsewhere_stays(demo: DemoEnvironment) -> None:
    seed(demo)
    update_endpoint(endpoint=webhook(), config={"url": "http://127.0.0.1:9000/mine"})
    seed(demo)
    assert webhook().config["url"] == "http://127.0.0.1:9000/mine"


def test_one_address_forwards_and_the_others_call_the_webhook(demo: DemoEnvironment) -> None:
    seed(demo)
    seed(demo)
    (domain,) = User.objects.get().domains.all()
    routes = dict(domain.email_addresses.values_list("address", "endpoint__name"))
    assert routes.pop(FORWARDED) == "Demo forward"
    assert set(routes.values()) == {WEBHOOK}
    assert Endpoint.objects.count() == 2
