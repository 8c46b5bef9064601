from __future__ import annotations

import pytest

from inbound.tests.support.factories import WorkerFactory
from ses_integration.tests.support.fake_domains import rows
from workers.models import Worker, WorkerKind

__all__ = ["rows"]


@pytest.fixture
def alive(transactional_db: None) -> list[Worker]:
    """A worker of each kind."""
    return [WorkerFactory(kind=kind) for kind in WorkerKind]
