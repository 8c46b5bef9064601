"""Ingest: from the bucket to the row."""
