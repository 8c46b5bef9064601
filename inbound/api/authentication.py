"""Authentication by API key: `Authorization: Bearer KEY` (docs/api/compatibility.md, "Requests")."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from audit.origin import identify
from domains.models import DomainAccess, DomainDeletion
from inbound.models import ApiKey, hash_key
from rest.prebuilt import Parameter, Prebuilt

LAST_USE_INTERVAL = timedelta(minutes=1)
_shares = Exists(DomainAccess.objects.filter(user=OuterRef("owner")))
_reports = Exists(DomainDeletion.readers.through._default_manager.filter(user=OuterRef("owner")))
_usable_keys = Prebuilt(
    lambda: (
        ApiKey.objects.usable()
        .select_related("owner")
        .annotate(has_shares=_shares | _reports)
        .filter(key_hash=Parameter("key_hash"))
    )
)


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticate by key. Every unusable key gets the same 401: missing, unknown, expired, revoked, of a closed account.

    Sessions of the admin are ignored: a browser's cookie must not override the key.
    """

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiKey]:
        scheme, _, key = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer" or not key.strip():
            raise AuthenticationFailed
        text = key.strip().decode("latin-1")
        found = _usable_keys(key_hash=hash_key(text))
        if not found:
            raise AuthenticationFailed
        row: Any = found[0]
        # See `rest.access.rows.has_shares`.
        row.owner.has_shares = row.has_shares
        identify(who=row.owner.get_username(), key=f"{row.start} {row.name}")
        self._record_use(row)
        return row.owner, row

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    @staticmethod
    def _record_use(row: ApiKey) -> None:
        """Record the use at most once a minute: a write on each request would take SQLite's only write lock."""
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USE_INTERVAL)
        if row.last_used_at is None or row.last_used_at < now - LAST_USE_INTERVAL:
            ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=now)
