"""Scopes of API keys, and roles at shared domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from audit.origin import act_by_role
from inbound.models import ApiKey, Scope
from rest.access.roles import may, refusal
from rest.access.rows import role_of

if TYPE_CHECKING:
    from rest_framework.views import APIView

    from rest.viewsets import OwnedViewSet

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


class HasRole(BasePermission):
    """Whether the caller's role allows the action at this row of a shared domain."""

    def has_object_permission(self, request: Request, view: APIView, row: Any) -> bool:
        deed = cast("OwnedViewSet[Any]", view).deed
        if not may(role_of(row), deed):
            raise PermissionDenied(refusal(deed))
        act_by_role(row, request.user)
        return True
