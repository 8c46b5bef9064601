"""Processes that are killed while they import an archive."""
