"""Whatever writes, by any door, is in the audit log."""
