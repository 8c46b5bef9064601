"""The API of domains, DNS records and deletions, one file for each call."""
