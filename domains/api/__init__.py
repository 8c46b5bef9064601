"""The REST endpoints of domains, DNS records, deletions and the SES status."""
