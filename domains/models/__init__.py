"""Domains, their DNS records, and the reports of deletions. All packages of the app and the apps above may import it."""

from domains.models.deletion import DomainDeletion, DomainDeletionQuerySet, Step
from domains.models.domain import DnsRecord, DnsRecordQuerySet, Domain, DomainQuerySet, key_prefix, lock_live_domain

__all__ = [
    "DnsRecord",
    "DnsRecordQuerySet",
    "Domain",
    "DomainDeletion",
    "DomainDeletionQuerySet",
    "DomainQuerySet",
    "Step",
    "key_prefix",
    "lock_live_domain",
]
