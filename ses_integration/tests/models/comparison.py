"""Runs a prebuilt statement and its ORM form from the same rows, and compares what they return and leave in the tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from ses_integration.coordination.clock import database_now
from ses_integration.models import statements
from ses_integration.models.statements import After, moment

# The names of the statements that have a test.
compared: set[str] = set()


def compares(name: str) -> pytest.MarkDecorator:
    """Mark the test that compares a statement with its ORM form. It gets the statement as `statement`."""
    compared.add(name)
    return pytest.mark.parametrize("statement", [getattr(statements, name)], ids=[name])


def in_(after: After) -> Combinable:
    """The ORM form of `{after}`."""
    return Now() + timedelta(seconds=after.seconds)


def same(sql: Callable[..., Any], orm: Callable[..., Any], *parameters: Any, **each: Any) -> Any:
    """Assert that both do the same, undo both, and return what both have returned: a number, or a list of rows.

    A time that the database has set is "now", or with an `After` among the parameters "now + 30.0 s".
    """
    seconds = [0.0, *(it.seconds for it in parameters if isinstance(it, After))]
    by_sql, by_orm = (_outcome(partial(run, *parameters, **each), seconds) for run in (sql, orm))
    assert by_sql == by_orm, f"The SQL and its ORM form differ:\n{by_sql}\n{by_orm}"
    return by_sql[0]


def _outcome(run: Callable[[], Any], seconds: list[float]) -> tuple[Any, dict[str, list[dict[str, Any]]]]:
    """What `run` returns, and the rows that it leaves. It is rolled back."""
    with transaction.atomic():
        start = database_now()
        returned = run()
        result = returned if isinstance(returned, int) else list(returned)
        end = database_now()
        rows = {model.__name__: list(model.objects.order_by("pk").values()) for model in _models()}
        transaction.set_rollback(True)

    def stable(value: Any) -> Any:
        try:
            time = moment(value)
        except ValueError:
            return value
        for after in seconds if isinstance(time, datetime) else ():
            # SQLite's own clock cuts off microseconds.
            if start - timedelta(milliseconds=1) <= time - timedelta(seconds=after) <= end:
                return f"now + {after} s" if after else "now"
        return time

    # Not the ids, because a sequence is never rolled back.
    tables = {
        name: [{column: stable(value) for column, value in row.items() if column != "id"} for row in found]
        for name, found in rows.items()
    }
    return result if isinstance(result, int) else [tuple(map(stable, row)) for row in result], tables


def _models() -> Any:
    return apps.get_app_config("ses_integration").get_models()
