"""Triggers that keep the counts. They run for every statement on the counted table, except TRUNCATE."""

# ruff: noqa: S608 - the SQL is made of names of tables and columns.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rest.row_counts.statements import CHANGED_ROWS, SIGNS, Triggers, one, signed


@dataclass(frozen=True, slots=True)
class Counted(Triggers):
    """A table whose rows are counted.

    `key`: its column with the id of the row in `parent`. `counts`: for each count column of `parent` the boolean column that
    is true in the counted rows, or "" if all rows count.
    """

    prefix = "count"

    table: str
    parent: str
    key: str
    counts: Mapping[str, str]

    def _fill(self, vendor: str) -> Iterator[str]:
        counted = ", ".join(
            f"{count} = (SELECT COALESCE(SUM({one(flag)}), 0) FROM {self.table} WHERE {self.key} = {self.parent}.id)"
            for count, flag in self.counts.items()
        )
        yield f"UPDATE {self.parent} SET {counted}"

    def _branch(self, event: str, rows: Mapping[str, str]) -> str:
        """Parents are locked in the order of their ids."""
        changes = signed(self.key, self.counts, rows)
        sums = ", ".join(f"SUM({count}) AS {count}" for count in self.counts)
        is_changed = " OR ".join(f"SUM({count}) <> 0" for count in self.counts)
        added = ", ".join(f"{count} = {count} + change.{count}" for count in self.counts)
        return f"""
            IF TG_OP = '{event}' THEN
              FOR change IN
                SELECT {self.key} AS parent, {sums} FROM ({changes}) AS changes
                GROUP BY {self.key} HAVING {is_changed} ORDER BY {self.key}
              LOOP
                UPDATE {self.parent} SET {added} WHERE id = change.parent;
              END LOOP;
            END IF;"""

    def _for_sqlite(self) -> Iterator[str]:
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
