"""The API of addresses and blocked emails, one file for each call."""
