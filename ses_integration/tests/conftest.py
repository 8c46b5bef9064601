from __future__ import annotations

from collections.abc import Iterator

import pytest

from ses_integration.tests.doctor.fixtures import environment, ready
from ses_integration.tests.support.fake_domains import rows, ses_with_a
from ses_integration.tests.support.memory import memory_checked

__all__ = ["environment", "ready", "rows", "ses_with_a"]


@pytest.fixture(autouse=True)
def memory_is_checked(request: pytest.FixtureRequest) -> Iterator[None]:
    """In every test, except on the wrong variants of the protocol."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("variant") is not None:
        yield
        return
    with memory_checked():
        yield
