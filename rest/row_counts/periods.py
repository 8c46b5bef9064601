"""Triggers that keep counts by time: of all rows of a parent, of those of each day, and of those of each hour (UTC).

They run for every statement on the counted table, except TRUNCATE, and write every count that a statement changes once.
"""

# ruff: noqa: S608 - the SQL is made of names of tables and columns.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rest.row_counts.statements import CHANGED_ROWS, SIGNS, Triggers, one, signed

# In the order in which their rows are locked. The first is the same row for all changes of a parent, so that changes of one
# parent wait for each other there and cannot lock the others in opposite orders.
UNITS = ("all", "day", "hour")
# Start of the only period of the unit `all`.
EPOCH = "1970-01-01 00:00:00"
# How SQLite's text of a time becomes the start of its period.
_STARTS = {"day": (10, " 00:00:00"), "hour": (13, ":00:00")}


@dataclass(frozen=True, slots=True)
class CountedByTime(Triggers):
    """A table whose rows are counted by the time in the column `moment`.

    `into`: the table of the counts, with `key`, `unit` and `start`, which are unique together. `counts`: for each of its count
    columns the boolean column that is true in the counted rows, or "" if all rows count. The first counts all rows: a count
    that becomes 0 there is deleted.
    """

    prefix = "count_by_time"

    table: str
    into: str
    key: str
    moment: str
    counts: Mapping[str, str]

    def _fill(self, vendor: str) -> Iterator[str]:
        periods = _sqlite_periods(self.moment) if vendor == "sqlite" else _postgresql_periods(self.moment)
        sums = ", ".join(f"SUM({one(flag)})" for flag in self.counts.values())
        for unit, start in periods.items():
            yield (
                f"INSERT INTO {self.into} ({self._columns}) SELECT {self.key}, '{unit}', {start}, {sums} "
                f"FROM {self.table} GROUP BY 1, 2, 3"
            )

    @property
    def _columns(self) -> str:
        return ", ".join([self.key, "unit", "start", *self.counts])

    def _branch(self, event: str, rows: Mapping[str, str]) -> str:
        changes = signed(f"{self.key}, {self.moment}", self.counts, rows)
        starts = ", ".join(f"('{unit}', {start})" for unit, start in _postgresql_periods(self.moment).items())
        sums = ", ".join(f"SUM({count}) AS {count}" for count in self.counts)
        is_changed = " OR ".join(f"SUM({count}) <> 0" for count in self.counts)
        period = f"{self.key} = change.parent AND unit = change.unit AND start = change.start"
        changed = ", ".join(f"change.{count}" for count in self.counts)
        # A missing count is made by new rows only: whoever empties both tables may begin with the counts.
        insert = f"""
                IF NOT FOUND THEN
                  INSERT INTO {self.into} ({self._columns}) VALUES (change.parent, change.unit, change.start, {changed})
                  ON CONFLICT (unit, start, {self.key}) DO UPDATE
                  SET {", ".join(f"{count} = {self.into}.{count} + EXCLUDED.{count}" for count in self.counts)};
                END IF;"""
        first = next(iter(self.counts))
        delete = f"""
                IF change.{first} < 0 THEN
                  DELETE FROM {self.into} WHERE {period} AND {first} = 0;
                END IF;"""
        return f"""
            IF TG_OP = '{event}' THEN
              FOR change IN
                SELECT {self.key} AS parent, unit, start, {sums}
                FROM ({changes}) AS changes CROSS JOIN LATERAL (VALUES {starts}) AS period (unit, start)
                GROUP BY 1, 2, 3 HAVING {is_changed} ORDER BY 1, 2, 3
              LOOP
                UPDATE {self.into} SET {", ".join(f"{count} = {count} + change.{count}" for count in self.counts)}
                WHERE {period};{"" if event == "DELETE" else insert}{"" if event == "INSERT" else delete}
              END LOOP;
            END IF;"""

    def _for_sqlite(self) -> Iterator[str]:
        """Without ON CONFLICT, which the statement that fires the trigger may override."""
        columns = ", ".join([self.key, self.moment, *filter(None, self.counts.values())])
        for event, rows in CHANGED_ROWS.items():
            # The old row first: it may leave a count of 0, which the new one makes again.
            body = " ".join(self._count_on_sqlite(kind) for kind in sorted(rows, reverse=True))
            when = f"UPDATE OF {columns}" if event == "UPDATE" else event
            yield f"CREATE TRIGGER {self._trigger(event)} AFTER {when} ON {self.table} BEGIN {body} END"

    def _count_on_sqlite(self, row: str) -> str:
        steps = []
        first = next(iter(self.counts))
        for unit, start in _sqlite_periods(f"{row}.{self.moment}").items():
            period = f"{self.key} = {row}.{self.key} AND unit = '{unit}' AND start = {start}"
            if row == "NEW":
                zeros = ", ".join("0" for _ in self.counts)
                steps.append(
                    f"INSERT INTO {self.into} ({self._columns}) SELECT {row}.{self.key}, '{unit}', {start}, {zeros} "
                    f"WHERE NOT EXISTS (SELECT 1 FROM {self.into} WHERE {period});"
                )
            added = ", ".join(f"{count} = {count} {SIGNS[row]} {one(flag, row)}" for count, flag in self.counts.items())
            steps.append(f"UPDATE {self.into} SET {added} WHERE {period};")
            if row == "OLD":
                steps.append(f"DELETE FROM {self.into} WHERE {period} AND {first} = 0;")
        return " ".join(steps)


def _postgresql_periods(moment: str) -> dict[str, str]:
    """The start of the period of each unit in which `moment` is."""
    starts = {unit: f"DATE_TRUNC('{unit}', {moment}, 'UTC')" for unit in UNITS[1:]}
    return {"all": f"TIMESTAMPTZ '{EPOCH}+00'", **starts}


def _sqlite_periods(moment: str) -> dict[str, str]:
    starts = {unit: f"SUBSTR({moment}, 1, {_STARTS[unit][0]}) || '{_STARTS[unit][1]}'" for unit in UNITS[1:]}
    return {"all": f"'{EPOCH}'", **starts}
