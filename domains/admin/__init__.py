"""Admin pages of domains, their DNS records and their deletions. Only Django imports it.

`tabs` are those of a domain's page, with `verification` for its status and `publishing` for its DNS records. `deleted` is what the
pages of deletions show. Changes go through the services of `lifecycle` and `deletion`, as over the API.
"""

from domains.admin import deletions, dns_records, domains

__all__ = ["deletions", "dns_records", "domains"]
