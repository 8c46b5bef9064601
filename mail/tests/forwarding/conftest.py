from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mail.tests.forwarding.forwarder import Forwarder, forwarder
from mail.tests.postbox import Postbox

Make = Callable[..., Forwarder]


@pytest.fixture
def forwards_to(postbox: Postbox) -> Make:
    """`forwards_to(member, …, **config)`: hello@example.com forwards to one address or to a group."""

    def make(*members: str, **config: Any) -> Forwarder:
        return forwarder(postbox, *members, **config)

    return make
