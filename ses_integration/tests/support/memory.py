"""Checks after every answer that the resource in memory is the one in the ledger, on which settling in memory relies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ses_integration.coordination.clock import database_now
from ses_integration.plan.resources import RecordedResource
from ses_integration.reconcile import record, snapshot


@contextmanager
def memory_checked() -> Iterator[None]:
    """Compare the two each time an answer is written."""
    write = record.write

    def write_and_compare(config: Any, answered: Any, resource: RecordedResource, *, forget: bool, **more: Any) -> None:
        write(config, answered, resource, forget=forget, **more)
        domain = answered.intent.snapshot.domain
        recorded = {row.key: row for row in snapshot.recorded_of(config, [domain], database_now()).get(domain, [])}
        if not forget:
            assert _without_time(recorded[resource.key]) == _without_time(resource)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "write", write_and_compare)
        yield


def _without_time(resource: RecordedResource) -> RecordedResource:
    """Whether a call is due depends on the moment at which it is read. The order of calls says nothing."""
    outcomes = sorted((replace(it, due=False) for it in resource.unknown_outcomes), key=lambda it: it.call_id or 0)
    return replace(resource, unknown_outcomes=tuple(outcomes))
