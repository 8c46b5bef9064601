from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from addresses import blocking
from addresses.api import serializers
from addresses.models import BlockedEmail
from domains.models import Domain
from domains.names import domain_of, normalise_address
from rest.confirmation import unplanned
from rest.errors import Conflict
from rest.lookup import filter_by_id, find

NOT_FOUND = "Blocked email not found"


class OwnBlockedEmails(GenericAPIView[BlockedEmail]):
    serializer_class = serializers.BlockedEmailSerializer

    def get_queryset(self) -> QuerySet[BlockedEmail]:
        own = Domain.objects.live().owned_by(self.request.user)
        rows = BlockedEmail.objects.filter(domain__in=own)
        return rows.select_related("domain").order_by("-created_at", "id")


class BlockedEmailList(OwnBlockedEmails):
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(filter_by_id(self.get_queryset(), request, "domainId", "domain_id"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        body = serializers.BlockBody.read(request.data)
        try:
            address = normalise_address(body["emailAddress"])
        except ValueError as error:
            raise ValidationError("Invalid email format") from error
        missing = f"Domain {domain_of(address)} not found in the system"
        domain = Domain.objects.live().owned_by(request.user).filter(name=domain_of(address)).first()
        if domain is None:
            raise NotFound(missing)
        try:
            blocked = blocking.block_address(
                domain=domain, address=address, reason=body.get("reason") or "", blocked_by=cast(User, request.user)
            )
        except blocking.AlreadyBlocked as error:
            raise Conflict("Email address is already blocked") from error
        except blocking.CannotBlock as error:
            raise ValidationError(str(error)) from error
        except Domain.DoesNotExist as error:
            raise NotFound(missing) from error
        return Response(self.get_serializer(blocked).data, status=201)


class BlockedEmailDetail(OwnBlockedEmails):
    def get(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(find(self.get_queryset(), pk, NOT_FOUND)).data)

    def delete(self, request: Request, pk: str) -> Response:
        blocked = find(self.get_queryset(), pk, NOT_FOUND)
        unplanned(request, "a blocked email")
        blocked.delete()
        return Response({"success": True, "message": f"Successfully unblocked {blocked.email_address}"})
