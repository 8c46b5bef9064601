"""`/deleted-addresses`: tombstones of addresses (docs/api/deletion.md, "Deleted addresses")."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from addresses.api.serializers import AddressChangeSerializer
from addresses.models import DeletedAddress, DeletedAddressQuerySet, EmailAddress
from addresses.tombstones.lift import lift
from addresses.tombstones.restore import RESTORED_ALREADY, CannotRestore, restore_address
from domains.lists import DOMAIN, DOMAIN_ID
from domains.models import Domain
from domains.names import normalise_address
from rest.access.roles import Deed
from rest.access.rows import member_of
from rest.deletion.confirmation import refuse_in_body
from rest.errors import Conflict
from rest.fields import Constant, TextOrNull, Timestamp
from rest.filters import FlagFilter, TextFilter, containing, named
from rest.ids import find_or_none
from rest.serializers import ReadModelSerializer, ReadSerializer
from rest.viewsets import OwnedViewSet


class DeletedAddressSerializer(ReadModelSerializer[DeletedAddress]):
    domain = serializers.CharField(source="domain.name")
    domainId = serializers.CharField(source="domain_id")
    endpointId = TextOrNull(source="endpoint_id")
    isActive = serializers.BooleanField(source="is_active")
    createdAt = Timestamp(source="created_at")
    deletedAt = Timestamp(source="deleted_at")
    restorableUntil = Timestamp(source="restorable_until")
    isRestorable = serializers.BooleanField(source="is_restorable")

    class Meta:
        model = DeletedAddress
        fields = [
            "id",
            "address",
            "domain",
            "domainId",
            "endpointId",
            "isActive",
            "createdAt",
            "deletedAt",
            "restorableUntil",
            "isRestorable",
        ]


class LiftedSerializer(ReadSerializer[Any]):
    success = Constant(True)
    message = serializers.SerializerMethodField()

    def get_message(self, tombstone: DeletedAddress) -> str:
        return f"A catch-all receives mail for {tombstone.address} again"


class DeletedAddressViewSet(ListModelMixin, RetrieveModelMixin, OwnedViewSet[DeletedAddress]):
    queryset = DeletedAddress.objects.live().with_restorable().select_related("domain").order_by("-deleted_at", "id")
    not_found = "Deleted address not found"
    serializer_class = DeletedAddressSerializer
    summaries = {"destroy": "Let a catch-all receive for a deleted address again"}
    serializer_classes = {"destroy": LiftedSerializer, "restore": AddressChangeSerializer}
    filters = [
        FlagFilter("isRestorable", DeletedAddressQuerySet.restorable),
        DOMAIN_ID,
        DOMAIN,
        TextFilter("address", named("address", normalise_address)),
        TextFilter("search", containing("address")),
    ]
    deeds = {"destroy": Deed.CHANGE_ADDRESSES, "restore": Deed.CHANGE_ADDRESSES}
    errors = {
        CannotRestore: lambda error: Conflict(str(error)),
        Domain.DoesNotExist: lambda _: NotFound(DeletedAddressViewSet.not_found),
    }

    def destroy(self, request: Request, pk: str) -> Response:
        tombstone = self.get_object()
        refuse_in_body(request)
        if not lift(tombstone, member=member_of(tombstone, self.caller)):
            raise DeletedAddress.DoesNotExist
        return Response(self.get_serializer(tombstone).data)

    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Restore a deleted address, as it was."""
        try:
            tombstone = self.get_object()
        except NotFound:
            if find_or_none(self.visible(EmailAddress.objects.live()), pk):
                raise Conflict(RESTORED_ALREADY) from None
            raise
        restored = restore_address(tombstone, member=member_of(tombstone, self.caller))
        return Response(self.get_serializer(restored).data)
