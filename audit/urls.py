"""The API resource of this app."""

from audit.api.changes import AuditLogViewSet
from rest.router import Router


def register(router: Router) -> None:
    router.register("audit-log", AuditLogViewSet, basename="audit-log")
