"""Queries that are built once: Django takes longer to build a query than PostgreSQL to answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Generic, TypeVar

from django.core.signals import setting_changed
from django.db import connections
from django.db.models import Expression, Model, QuerySet, Subquery
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row", bound=Model)


class Parameter(Expression):
    """A placeholder for a value that is passed when the query runs. Django does not convert the value."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


class Slice(Subquery):
    """Some of the rows of a query, as a subquery for `__in`: those that the parameters `limit` and `offset` choose."""

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, Any]:
        sql, parameters = super().as_sql(*args, **kwargs)
        return f"{sql.removesuffix(')')} LIMIT %s OFFSET %s)", (*parameters, Parameter("limit"), Parameter("offset"))

    def as_postgresql(self, *args: Any, **kwargs: Any) -> tuple[str, Any]:
        # An array, because PostgreSQL would read a table of 10,000 rows to the end to find the rows of a subquery.
        sql, parameters = self.as_sql(*args, **kwargs)
        return f"(SELECT UNNEST(ARRAY{sql}))", parameters


class Prebuilt(Generic[Row]):
    """A query with parameters. `build` is called when the query first runs, and again if a test has changed a setting.

    Calling it with a value for each parameter runs it and returns the rows. `build` must not read the clock, because the
    query would keep that time: use `Now()`.
    """

    def __init__(self, build: Callable[[], QuerySet[Row]]) -> None:
        self._build = build
        self._built: tuple[QuerySet[Row], SQLCompiler, str, Sequence[Any]] | None = None
        setting_changed.connect(self._forget)

    def __call__(self, **values: str | int | None) -> list[Row]:
        if self._built is None:
            self._built = self._compile()
        built, compiler, sql, parameters = self._built
        rows = built.all()
        # Connections belong to threads.
        run = copy(compiler)
        run.connection = connections[rows.db]
        if rows.query.select_for_update and run.connection.get_autocommit():
            # Django asks only when it builds a query.
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        given: Any = tuple(values[part.name] if isinstance(part, Parameter) else part for part in parameters)
        run.as_sql = lambda *_, **__: (sql, given)  # type: ignore[method-assign]
        rows.query.get_compiler = lambda *_, **__: run  # type: ignore[method-assign]
        return list(rows)

    def get(self, **values: str | int) -> Row:
        """The only row. Raises the model's DoesNotExist if there is none."""
        found = self(**values)
        if not found:
            model: Any = self._build().model
            raise model.DoesNotExist
        (row,) = found
        return row

    def _compile(self) -> tuple[QuerySet[Row], SQLCompiler, str, Sequence[Any]]:
        rows = self._build()
        compiler = rows.query.get_compiler(rows.db)
        return rows, compiler, *compiler.as_sql()

    def _forget(self, **_: object) -> None:
        self._built = None
