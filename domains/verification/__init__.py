"""Verification: ask SES and DNS about domains, decide their status, and when to ask again."""
