"""The admin pages of domains and deletions."""
