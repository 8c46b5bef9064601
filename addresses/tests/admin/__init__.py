"""The admin pages of addresses and blocked emails."""
