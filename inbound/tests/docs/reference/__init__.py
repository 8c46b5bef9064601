"""Proof that the reference documents are complete: every setting, command, path, field, permission and message."""
