"""Erase mail: one, all of a deleted domain, what is older than MAIL_RETENTION_DAYS, and blocked mail."""
