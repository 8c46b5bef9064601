"""`/blocked-emails`: unwanted addresses of catch-all domains (docs/api/compatibility.md, "Blocked emails")."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import CreateModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from addresses import blocking
from addresses.api import serializers
from addresses.models import BlockedEmail
from domains.lists import DOMAIN, DOMAIN_ID, domains_of
from domains.models import Domain
from domains.names import domain_of, normalise_address
from rest.access.roles import Deed
from rest.access.rows import member_of
from rest.deletion.confirmation import refuse_in_body
from rest.errors import Conflict
from rest.filters import TextFilter, containing, named
from rest.viewsets import OwnedViewSet

ADDRESS = TextFilter("address", named("email_address", normalise_address))
SEARCH = TextFilter("search", containing("email_address", "reason"))


class BlockedEmailViewSet(ListModelMixin, CreateModelMixin, RetrieveModelMixin, OwnedViewSet[BlockedEmail]):
    queryset = BlockedEmail.objects.live().select_related("domain").order_by("-created_at", "id")
    not_found = "Blocked email not found"
    serializer_class = serializers.BlockedEmailSerializer
    summaries = {"create": "Block an email address", "destroy": "Unblock an email address"}
    serializer_classes = {"create": serializers.BlockBody, "destroy": serializers.UnblockedSerializer}
    filters = [DOMAIN_ID, DOMAIN, ADDRESS, SEARCH]
    deeds = {"create": Deed.BLOCK, "destroy": Deed.BLOCK}
    errors = {
        Domain.DoesNotExist: lambda _: NotFound(BlockedEmailViewSet.not_found),
        blocking.AlreadyBlocked: lambda _: Conflict("Email address is already blocked"),
        blocking.CannotBlock: lambda error: ValidationError(str(error)),
    }

    def count(self, rows: QuerySet[BlockedEmail]) -> int:
        if any(self.query.get(each.parameter) for each in (ADDRESS, SEARCH)):
            return super().count(rows)
        return domains_of(self).total("blocked_email_count")

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        body = serializer.validated_data
        name = domain_of(body["address"])
        try:
            domain = self.find(Domain.objects.live(), f"Domain {name} not found in the system", name=name)
            serializer.instance = blocking.block_address(
                domain=domain, blocked_by=self.caller, member=member_of(domain, self.caller), **body
            )
        except Domain.DoesNotExist as error:
            raise NotFound(f"Domain {name} not found in the system") from error

    def destroy(self, request: Request, pk: str) -> Response:
        blocked = self.get_object()
        refuse_in_body(request)
        blocking.unblock(blocked, member=member_of(blocked, self.caller))
        return Response(self.get_serializer(blocked).data)
