"""`/domains/{id}/shares`: who else has access to a domain (docs/api/shares.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from domains.models import Domain, DomainAccess
from domains.sharing import service
from rest.access.roles import Deed
from rest.deletion.confirmation import refuse_in_body
from rest.errors import Conflict
from rest.fields import Constant, SchemaOnly, Text, Timestamp
from rest.schema.parts import PAGINATION
from rest.serializers import Body, ReadSerializer
from rest.viewsets import OwnedViewSet

# In a path: the caller's own account, whose id they may not know.
ME = "me"
NOT_SHARED = "The domain is not shared with this account"


class _Role(serializers.CharField):
    schema: ClassVar[dict[str, Any]] = {"type": "string", "enum": DomainAccess.Role.values}


class ShareSerializer(ReadSerializer[DomainAccess]):
    userId = serializers.CharField(source="user_id")
    user = serializers.CharField(source="user.username")
    role = _Role()
    # False: the account is switched off, so its access rests.
    isActive = serializers.BooleanField(source="user.is_active")
    createdAt = Timestamp(source="created_at")


class SharesSerializer(serializers.Serializer[Any]):
    """Describes a page of those who have access, for schema generators."""

    pagination = SchemaOnly(PAGINATION)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has an attribute `data` of its own.
        return {"data": ShareSerializer(many=True), **super().get_fields()}


class UnsharedSerializer(ReadSerializer[DomainAccess]):
    success = Constant(True)
    message = serializers.SerializerMethodField()

    def get_message(self, access: DomainAccess) -> str:
        return f"{access.user.get_username()} no longer has access to {access.domain.name}"


class RoleBody(Body):
    answer = ShareSerializer
    required_together: ClassVar[tuple[str, ...]] = ("role",)

    role = Text()

    def validate_role(self, role: str) -> str:
        if role not in DomainAccess.Role.values:
            raise ValidationError(f"role must be one of: {', '.join(DomainAccess.Role.values)}")
        return role


class ShareBody(RoleBody):
    required_together = ("role", "user")

    user = Text()


# By action.
SHARES: Mapping[str, type[serializers.BaseSerializer[Any]]] = {
    "shares": SharesSerializer,
    "share": ShareBody,
    "change_share": RoleBody,
    "unshare": UnsharedSerializer,
}
PAGE = {name: {"type": "integer"} for name in ("limit", "offset")}
# The first that fits counts.
REFUSALS: Mapping[type[Exception], Callable[[Any], APIException]] = {
    service.AlreadyShared: lambda error: Conflict(str(error)),
    service.CannotShare: lambda error: ValidationError(str(error)),
    DomainAccess.DoesNotExist: lambda _: NotFound(NOT_SHARED),
}


class ShareActions(OwnedViewSet[Domain]):
    """The actions, for the viewset of domains."""

    @property
    def deed(self) -> Deed:
        return Deed.LEAVE if self._leaves else super().deed

    @property
    def _leaves(self) -> bool:
        """Whether somebody asks to take their own access back, which needs no owner."""
        return self.action == "unshare" and self.kwargs["user"] in (ME, str(self.caller.pk))

    @action(detail=True)
    def shares(self, request: Request, pk: str) -> Response:
        """List who else has access to a domain."""
        pages: Any = self.paginator
        rows = self._accesses(self.get_object()).order_by("user__username", "pk")
        answer: Response = pages.get_paginated_response(
            ShareSerializer(pages.pick(rows, request, self), many=True).data
        )
        return answer

    @shares.mapping.post
    def share(self, request: Request, pk: str) -> Response:
        """Share a domain with another account."""
        domain = self.get_object()
        body: Any = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = service.account_named(body.validated_data["user"])
        body.instance = service.share(domain=domain, user=user, role=body.validated_data["role"], only_new=True)
        return Response(body.data, status=201)

    @action(detail=True, methods=["put"], url_path="shares/<str:user>")
    def change_share(self, request: Request, pk: str, user: str) -> Response:
        """Give somebody who has access another role."""
        access = self._access(user)
        body: Any = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        body.instance = service.change_role(access, body.validated_data["role"])
        return Response(body.data)

    @change_share.mapping.delete
    def unshare(self, request: Request, pk: str, user: str) -> Response:
        """Take somebody's access to a domain back, or leave a shared domain."""
        access = self._access(user)
        refuse_in_body(request)
        if self._leaves:
            service.leave(access)
        else:
            service.unshare([access])
        return Response(self.get_serializer(access).data)

    def _accesses(self, domain: Domain) -> Any:
        return DomainAccess.objects.filter(domain=domain).select_related("user", "domain")

    def _access(self, user: str) -> DomainAccess:
        domain = self.get_object()
        user = str(self.caller.pk) if self._leaves else user
        is_number = user.isascii() and user.isdigit() and len(user) < 10
        found = self._accesses(domain).filter(user=int(user)).first() if is_number else None
        if found is None:
            raise NotFound(NOT_SHARED)
        return cast(DomainAccess, found)
