"""Scopes of API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from inbound.models import ApiKey, Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView

SCOPES = {"GET": Scope.READ, "HEAD": Scope.READ, "DELETE": Scope.DELETE}


class HasScope(BasePermission):
    """Whether the API key may read, write (POST, PUT, PATCH) or delete. The queryset decides whose rows it sees.

    An action that deletes with a method other than DELETE sets `required_scope`.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        required = getattr(view, "required_scope", None)
        scope = Scope(required) if required else SCOPES.get(request.method or "", Scope.WRITE)
        if not isinstance(request.auth, ApiKey):
            return False
        if not request.auth.allows(scope):
            raise PermissionDenied(f"This API key lacks the '{scope}' scope.")
        return True
