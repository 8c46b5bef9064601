"""Erase mail: one, all of a deleted domain, and what is older than MAIL_RETENTION_DAYS."""
