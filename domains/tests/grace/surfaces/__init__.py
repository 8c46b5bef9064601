"""Commands, pages and the desk in a grace period."""
