"""`/endpoints`: webhooks, addresses and groups that mail is routed to (docs/api/compatibility.md, "Endpoints")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import CreateModelMixin, ListModelMixin, RetrieveModelMixin, UpdateModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from endpoints import deliveries, services
from endpoints.api import serializers
from endpoints.changes import signing_secrets
from endpoints.config_schema import ConfigError
from endpoints.models import Endpoint
from rest.deletion.confirmation import refuse_in_body
from rest.filters import ChoiceFilter, FlagFilter, OrderFilter, TextFilter, containing, named
from rest.names.canonical import normalise_address
from rest.viewsets import OwnedViewSet


class EndpointViewSet(ListModelMixin, CreateModelMixin, RetrieveModelMixin, UpdateModelMixin, OwnedViewSet[Endpoint]):
    queryset = Endpoint.objects.all()
    not_found = "Endpoint not found"
    serializer_class = serializers.EndpointDetailSerializer
    serializer_classes = {
        "list": serializers.ListedEndpointSerializer,
        "create": serializers.CreateBody,
        "update": serializers.UpdateBody,
        "destroy": serializers.EndpointDeletionSerializer,
    }
    filters = [
        ChoiceFilter("type", "type", Endpoint.Type.values),
        FlagFilter("active", "is_active"),
        # An address belongs to one endpoint at most.
        TextFilter("address", named("email_addresses__address", normalise_address)),
        # Not in `config`: the number of matches would tell secrets to keys that may not read them.
        TextFilter("search", containing("name", "description")),
        OrderFilter("sortBy", {"newest": ("-created_at", "-pk"), "oldest": ("created_at", "pk")}),
    ]
    errors = {
        signing_secrets.NoSecret: lambda _: ValidationError("Only webhooks have a signing secret"),
        ConfigError: lambda error: ValidationError({"error": "Invalid configuration", "details": str(error)}),
    }

    def serializer_facts(self, rows: Sequence[Endpoint]) -> dict[str, Any]:
        return {"stats": deliveries.stats_by_endpoint(rows)}

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = services.create_endpoint(owner=self.caller, **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        endpoint = cast(Endpoint, serializer.instance)
        serializer.instance = services.update_endpoint(endpoint=endpoint, **serializer.validated_data)

    @action(detail=True, methods=["post"], url_path="rotate-secret", serializer_class=serializers.RotateSecretBody)
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Give a webhook a new signing secret."""
        endpoint = self.get_object()
        body: BaseSerializer[Any] = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        body.instance = services.rotate_secret(endpoint=endpoint, **body.validated_data)
        return Response(body.data)

    def destroy(self, request: Request, pk: str) -> Response:
        endpoint = self.get_object()
        refuse_in_body(request)
        return Response(self.get_serializer(services.delete_endpoint(endpoint=endpoint)).data)
