"""Counts of rows that database triggers keep (ADR 13, ADR 18).

- `field`: a column for the count of a row's rows; `triggers`: the step of a migration that creates the triggers and fills it
- `periods`: the same for a table with counts of each day and hour
- `statements`: what both have in common
"""
