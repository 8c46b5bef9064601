"""Admin pages of domains, their DNS records and their deletions. Only Django imports it.

`verification` is the part of a domain's page about its DNS records and status. Changes go through the services of `lifecycle` and
`deletion`, as over the API.
"""

from domains.admin import deletions, dns_records, domains

__all__ = ["deletions", "dns_records", "domains"]
