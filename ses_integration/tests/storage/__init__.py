"""Stored mail in S3: measured, listed and erased."""
