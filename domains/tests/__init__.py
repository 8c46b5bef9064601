"""Tests of domains, DNS records and deletions. `plan_requests` and `dns_server` help the tests of addresses, too."""
