"""The REST endpoints of email addresses and blocked emails."""
