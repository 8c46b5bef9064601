"""Triggers that keep the counts. They run for every statement on the counted table, except TRUNCATE."""

# ruff: noqa: S608 - the SQL is made of names of tables and columns.
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.operations.base import Operation

# The tables that hold the rows before and after a statement, by event (PostgreSQL, CREATE TRIGGER, REFERENCING).
CHANGED_ROWS = {
    "INSERT": {"NEW": "new_rows"},
    "UPDATE": {"NEW": "new_rows", "OLD": "old_rows"},
    "DELETE": {"OLD": "old_rows"},
}
SIGNS = {"NEW": "+", "OLD": "-"}
Step = Callable[[Any, BaseDatabaseSchemaEditor], None]


@dataclass(frozen=True, slots=True)
class Counted:
    """A table whose rows are counted.

    `key`: its column with the id of the row in `parent`. `counts`: for each count column of `parent` the boolean column that
    is true in the counted rows, or "" if all rows count.
    """

    table: str
    parent: str
    key: str
    counts: Mapping[str, str]

    def migration(self) -> RunPython:
        """Create the triggers, and count the rows that exist."""
        return RunPython(self._create, self._drop)

    def around(self, *operations: Operation) -> list[Operation]:
        """Operations that rebuild one of the two tables on SQLite. It loses the triggers, so drop and create them."""
        drop, create = _on_sqlite(self._drop), _on_sqlite(self._create)
        return [RunPython(drop, create), *operations, RunPython(create, drop)]

    def _create(self, _: Any, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in self._for_sqlite() if editor.connection.vendor == "sqlite" else self._for_postgresql():
            # None: the text is no template.
            editor.execute(statement, None)
        counted = ", ".join(
            f"{count} = (SELECT COALESCE(SUM({one(flag)}), 0) FROM {self.table} WHERE {self.key} = {self.parent}.id)"
            for count, flag in self.counts.items()
        )
        editor.execute(f"UPDATE {self.parent} SET {counted}", None)

    def _drop(self, _: Any, editor: BaseDatabaseSchemaEditor) -> None:
        is_sqlite = editor.connection.vendor == "sqlite"
        for event in CHANGED_ROWS:
            editor.execute(f"DROP TRIGGER {self._trigger(event)}{'' if is_sqlite else f' ON {self.table}'}", None)
        if not is_sqlite:
            editor.execute(f"DROP FUNCTION {self._function}()", None)

    @property
    def _function(self) -> str:
        return f"count_{self.table}"

    def _trigger(self, event: str) -> str:
        return f"count_{self.table}_{event.lower()}"

    def _for_postgresql(self) -> Iterator[str]:
        """A trigger for each statement, so that it writes a parent once. Parents are locked in the order of their ids."""
        body = "\n".join(self._branch(event, rows) for event, rows in CHANGED_ROWS.items())
        yield (
            f"CREATE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ DECLARE change record; BEGIN {body} RETURN NULL; END $$"
        )
        for event, rows in CHANGED_ROWS.items():
            referencing = " ".join(f"{kind} TABLE AS {name}" for kind, name in rows.items())
            yield (
                f"CREATE TRIGGER {self._trigger(event)} AFTER {event} ON {self.table} "
                f"REFERENCING {referencing} FOR EACH STATEMENT EXECUTE FUNCTION {self._function}()"
            )

    def _branch(self, event: str, rows: Mapping[str, str]) -> str:
        signed = " UNION ALL ".join(
            f"SELECT {self.key}, "
            + ", ".join(f"{SIGNS[kind]}{one(flag)} AS {count}" for count, flag in self.counts.items())
            + f" FROM {name}"
            for kind, name in rows.items()
        )
        sums = ", ".join(f"SUM({count}) AS {count}" for count in self.counts)
        is_changed = " OR ".join(f"SUM({count}) <> 0" for count in self.counts)
        added = ", ".join(f"{count} = {count} + change.{count}" for count in self.counts)
        return f"""
            IF TG_OP = '{event}' THEN
              FOR change IN
                SELECT {self.key} AS parent, {sums} FROM ({signed}) AS signed
                GROUP BY {self.key} HAVING {is_changed} ORDER BY {self.key}
              LOOP
                UPDATE {self.parent} SET {added} WHERE id = change.parent;
              END LOOP;
            END IF;"""

    def _for_sqlite(self) -> Iterator[str]:
        """A trigger for each row: SQLite has no others, and a single writer."""
        columns = ", ".join([self.key, *filter(None, self.counts.values())])
        for event, rows in CHANGED_ROWS.items():
            body = " ".join(
                f"UPDATE {self.parent} SET "
                + ", ".join(f"{count} = {count} {SIGNS[kind]} {one(flag, kind)}" for count, flag in self.counts.items())
                + f" WHERE id = {kind}.{self.key};"
                for kind in rows
            )
            when = f"UPDATE OF {columns}" if event == "UPDATE" else event
            yield f"CREATE TRIGGER {self._trigger(event)} AFTER {when} ON {self.table} BEGIN {body} END"


def _on_sqlite(step: Step) -> Step:
    def run(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            step(apps, editor)

    return run


def one(flag: str, row: str = "") -> str:
    """What a row adds to a count: 1, or 0 if its `flag` is false."""
    column = f"{row}.{flag}" if row else flag
    return f"(CASE WHEN {column} THEN 1 ELSE 0 END)" if flag else "1"
