"""Processes that are killed while a deletion is undone."""
