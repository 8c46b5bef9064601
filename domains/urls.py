"""The API resources of this app."""

from domains.api.deletions import DeletionViewSet
from domains.api.dns_records import DnsRecordViewSet
from domains.api.domains import DomainViewSet
from rest.router import Router


def register(router: Router) -> None:
    router.register("domains", DomainViewSet, basename="domain")
    router.register("deletions", DeletionViewSet, basename="deletion")
    router.register("dns-records", DnsRecordViewSet, basename="dns-record")
