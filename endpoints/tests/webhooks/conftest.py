from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from endpoints.tests.webhooks.receiver import Receiver


@pytest.fixture
def receive(settings: Any) -> Iterator[Callable[..., Receiver]]:
    """`receive(*scripts)` starts a receiver on loopback, which webhooks may then reach."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    started: list[Receiver] = []

    def start(*scripts: Any, **options: Any) -> Receiver:
        started.append(Receiver(*scripts, **options))
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()
