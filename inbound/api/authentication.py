"""`Authorization: Bearer <key>`."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from inbound.models import ApiKey, hash_key

USE_NOTED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """The same 401 for a key that is missing, unknown, expired, revoked, or of an account that is closed.

    The admin's session is not looked at: a browser's cookie must not win over the key that a client shows.
    """

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiKey]:
        scheme, _, key = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer" or not key.strip():
            raise AuthenticationFailed
        text = key.strip().decode("latin-1")
        row = ApiKey.objects.usable().select_related("owner").filter(key_hash=hash_key(text)).first()
        if row is None:
            raise AuthenticationFailed
        self._note_use(row)
        return row.owner, row

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    @staticmethod
    def _note_use(row: ApiKey) -> None:
        """At most once a minute: each write would take SQLite's only write lock."""
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        if row.last_used_at is None or row.last_used_at < now - USE_NOTED_EVERY:
            ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=now)
