"""Compare what a request does with its expected steps and with its ceilings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import dedent, indent
from typing import Any

import pytest
from django.db import connection

from inbound.tests.cost.purposes import purpose_of
from inbound.tests.docs.pages import page, rows
from ses_integration.emulator.server import Emulator

COMMIT = "-- commit"
CALL = "-- call "
# Django logs every statement of a connection here, with its parameters, and BEGIN and COMMIT.
STATEMENTS = logging.getLogger("django.db.backends")


def assert_cost(ses: Emulator, operation: str, request: Callable[[], Any], *expected: str) -> None:
    """Run a request, and assert its steps, one on each line of the texts in turn, and the ceilings of the operation.

    `operation` is a row of the table in docs/architecture/README.md, "What a change costs".
    """
    with _recorded(ses) as steps:
        response = request()
    assert response.status_code in (200, 201), response.content
    if steps != [line for text in expected for line in dedent(text).strip().splitlines()]:
        # Without a traceback, so that the list can be pasted into the test.
        pytest.fail("The steps have changed:\n\n" + indent("\n".join(steps), " " * 8), pytrace=False)
    commits, calls = steps.count(COMMIT), sum(step.startswith(CALL) for step in steps)
    used = {"statements": len(steps) - commits - calls, "commits": commits, "calls": calls}
    ceilings = _ceilings(operation)
    assert all(used[what] <= most for what, most in ceilings.items()), f"{used}, but at most {ceilings}"


def _ceilings(operation: str) -> dict[str, int]:
    table = rows(page("docs/architecture/README.md").section("What a change costs"))
    [numbers] = [cells[1:] for cells in table if cells[0] == operation]
    return dict(zip(("statements", "commits", "calls"), map(int, numbers), strict=True))


@contextmanager
def _recorded(ses: Emulator) -> Iterator[list[str]]:
    """The steps of the block, which are complete at its end: statements by purpose, durable commits, calls to AWS."""
    recorder, steps = _Recorder(ses), list[str]()
    level, propagate = STATEMENTS.level, STATEMENTS.propagate
    STATEMENTS.addHandler(recorder)
    STATEMENTS.setLevel(logging.DEBUG)
    STATEMENTS.propagate = False
    connection.force_debug_cursor = True
    try:
        yield steps
    finally:
        connection.force_debug_cursor = False
        STATEMENTS.propagate = propagate
        STATEMENTS.setLevel(level)
        STATEMENTS.removeHandler(recorder)
    steps += recorder.steps()


class _Recorder(logging.Handler):
    """Notes the statements of this thread and, between them, the calls that the emulator has received."""

    def __init__(self, ses: Emulator) -> None:
        super().__init__()
        self._ses = ses
        self._calls = len(ses.journal())
        self._noted: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._note_calls()
        self._noted.append(record.__dict__["sql"])

    def _note_calls(self) -> None:
        calls = [entry["action"] for entry in self._ses.journal()[self._calls :]]
        self._calls += len(calls)
        self._noted += [CALL + action for action in calls]

    def steps(self) -> list[str]:
        """Without BEGIN. A write outside a transaction is a durable commit, too."""
        self._note_calls()
        steps, in_transaction = list[str](), False
        for noted in self._noted:
            if noted == "BEGIN":
                in_transaction = True
            elif noted == "COMMIT":
                in_transaction = False
                steps.append(COMMIT)
            elif noted.startswith(CALL):
                steps.append(noted)
            else:
                steps.append(purpose_of(noted))
                if not in_transaction and not noted.lstrip().startswith("SELECT"):
                    steps.append(COMMIT)
        return steps
