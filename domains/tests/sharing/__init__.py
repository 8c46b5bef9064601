"""Sharing of a domain: the API, the command, the admin, what a deletion does with it, and revocations that race."""
