"""Domains, their DNS records and status, and the reports of deletions. All packages of the app and the apps above may import it."""

from domains.models.access import ALREADY_SHARED, DomainAccess, SharedQuerySet, endpoints_of
from domains.models.deletion import DomainDeletion, DomainDeletionQuerySet, Step
from domains.models.domain import HELD, MAIL_FROM_LABEL, Domain, DomainQuerySet, key_prefix, lock_live_domain, mail_from
from domains.models.verification import DnsRecord, DnsRecordQuerySet, StatusChange

__all__ = [
    "ALREADY_SHARED",
    "HELD",
    "MAIL_FROM_LABEL",
    "DnsRecord",
    "DnsRecordQuerySet",
    "Domain",
    "DomainAccess",
    "DomainDeletion",
    "DomainDeletionQuerySet",
    "DomainQuerySet",
    "SharedQuerySet",
    "StatusChange",
    "Step",
    "endpoints_of",
    "key_prefix",
    "lock_live_domain",
    "mail_from",
]
