from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from inbound.models import ApiKey, Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView

SCOPES = {"GET": Scope.READ, "HEAD": Scope.READ, "OPTIONS": Scope.READ, "DELETE": Scope.DELETE}


class HasScope(BasePermission):
    """May this key do that kind of thing? Reading, writing (POST, PUT, PATCH) or deleting; whose rows is the queryset's matter.

    A view that deletes by another method than DELETE says so by its `required_scope`.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = Scope(getattr(view, "required_scope", SCOPES.get(request.method or "", Scope.WRITE)))
        if not isinstance(request.auth, ApiKey):
            return False
        if not request.auth.allows(scope):
            raise PermissionDenied(f"This API key lacks the '{scope}' scope.")
        return True
