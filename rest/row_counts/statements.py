"""What all counts have in common: the names of their triggers, and how they are created and dropped."""

# ruff: noqa: S608 - the SQL is made of names of tables and columns.
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

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


class Triggers(ABC):
    """Triggers on `table`. `prefix`: how their names begin.

    On PostgreSQL they run for each statement, so that it writes a count once; on SQLite, which has no such triggers and a
    single writer, for each row.
    """

    prefix: ClassVar[str]
    table: str

    def migration(self) -> RunPython:
        """Create the triggers, and count the rows that exist."""
        return RunPython(self._create, self._drop)

    def around(self, *operations: Operation) -> list[Operation]:
        """Operations that rebuild a table of the triggers on SQLite. It loses them, so drop and create them."""
        drop, create = _on_sqlite(self._drop), _on_sqlite(self._create_triggers)
        return [RunPython(drop, create), *operations, RunPython(create, drop)]

    @abstractmethod
    def _branch(self, event: str, rows: Mapping[str, str]) -> str:
        """What the function on PostgreSQL does after an event. `rows`: the tables with the changed rows, by kind."""

    @abstractmethod
    def _for_sqlite(self) -> Iterator[str]:
        """The statements that create the triggers on SQLite."""

    @abstractmethod
    def _fill(self, vendor: str) -> Iterator[str]:
        """The statements that count the rows that exist."""

    def _create(self, _: Any, editor: BaseDatabaseSchemaEditor) -> None:
        self._create_triggers(_, editor)
        for statement in self._fill(editor.connection.vendor):
            editor.execute(statement, None)

    def _create_triggers(self, _: Any, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in self._for_sqlite() if editor.connection.vendor == "sqlite" else self._for_postgresql():
            # None: the text is no template.
            editor.execute(statement, None)

    def _drop(self, _: Any, editor: BaseDatabaseSchemaEditor) -> None:
        is_sqlite = editor.connection.vendor == "sqlite"
        for event in CHANGED_ROWS:
            editor.execute(f"DROP TRIGGER {self._trigger(event)}{'' if is_sqlite else f' ON {self.table}'}", None)
        if not is_sqlite:
            editor.execute(f"DROP FUNCTION {self._function}()", None)

    @property
    def _function(self) -> str:
        return f"{self.prefix}_{self.table}"

    def _trigger(self, event: str) -> str:
        return f"{self._function}_{event.lower()}"

    def _for_postgresql(self) -> Iterator[str]:
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


def signed(columns: str, counts: Mapping[str, str], rows: Mapping[str, str]) -> str:
    """A query of the changed rows: these columns, and what each row adds to each count."""
    return " UNION ALL ".join(
        f"SELECT {columns}, "
        + ", ".join(f"{SIGNS[kind]}{one(flag)} AS {count}" for count, flag in counts.items())
        + f" FROM {name}"
        for kind, name in rows.items()
    )


def one(flag: str, row: str = "") -> str:
    """What a row adds to a count: 1, or 0 if its `flag` is false."""
    column = f"{row}.{flag}" if row else flag
    return f"(CASE WHEN {column} THEN 1 ELSE 0 END)" if flag else "1"


def _on_sqlite(step: Step) -> Step:
    def run(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            step(apps, editor)

    return run
