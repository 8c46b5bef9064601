"""Cleanup of orphaned rules and identities, stored mail and previous regions."""
