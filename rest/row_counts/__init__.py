"""Counts of rows that database triggers keep (docs/adr/0013-row-counts.md).

- `field`: a column for the count of a row's rows; `triggers`: the step of a migration that creates the triggers and fills it
- `periods`: the same for a table with counts of each day and hour
"""
