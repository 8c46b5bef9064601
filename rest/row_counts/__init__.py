"""Counts of rows as columns of the row that they belong to, kept by database triggers (docs/adr/0013-row-counts.md).

- `field`: the column; `triggers`: the step of a migration that creates the triggers and fills the column
"""
