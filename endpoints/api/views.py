"""`/api/v2/endpoints`. Who may do what kind of thing is `HasScope`'s matter, whose rows is `get_queryset`'s.

See docs/api/compatibility.md, "Endpoints".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from endpoints import services
from endpoints.api.serializers import (
    CreateBody,
    CreatedEndpointSerializer,
    EndpointDeletionSerializer,
    EndpointDetailSerializer,
    ListedEndpointSerializer,
    UpdateBody,
    UpdatedEndpointSerializer,
)
from endpoints.config_schema import ConfigError
from endpoints.models import Endpoint, EndpointQuerySet
from rest.confirmation import unplanned
from rest.lookup import find, flag

NOT_FOUND = "Endpoint not found"


class _OwnEndpoints(GenericAPIView[Endpoint]):
    def get_queryset(self) -> EndpointQuerySet:
        return Endpoint.objects.owned_by(self.request.user)


class EndpointListView(_OwnEndpoints):
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(_listed(self.get_queryset(), request))
        return self.get_paginated_response(ListedEndpointSerializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        with _answers():
            endpoint = services.create_endpoint(owner=cast(User, request.user), **CreateBody.read(request.data))
        return Response(CreatedEndpointSerializer(endpoint).data, status=201)


class EndpointView(_OwnEndpoints):
    def get(self, request: Request, pk: str) -> Response:
        return Response(EndpointDetailSerializer(find(self.get_queryset(), pk, NOT_FOUND)).data)

    def put(self, request: Request, pk: str) -> Response:
        endpoint = find(self.get_queryset(), pk, NOT_FOUND)
        with _answers():
            endpoint = services.update_endpoint(endpoint=endpoint, **UpdateBody.read(request.data))
        return Response(UpdatedEndpointSerializer(endpoint).data)

    def delete(self, request: Request, pk: str) -> Response:
        endpoint = find(self.get_queryset(), pk, NOT_FOUND)
        unplanned(request, "an endpoint")
        with _answers():
            deletion = services.delete_endpoint(endpoint=endpoint)
        return Response(EndpointDeletionSerializer(deletion).data)


def _listed(rows: EndpointQuerySet, request: Request) -> QuerySet[Endpoint]:
    """Filtered and ordered as the query says; a value that the contract does not name is as if it were not there."""
    query = request.query_params
    if query.get("type") in Endpoint.Type.values:
        rows = rows.filter(type=query["type"])
    active = flag(request, "active")
    if active is not None:
        rows = rows.filter(is_active=active)
    oldest_first = query.get("sortBy") == "oldest"
    return rows.order_by("created_at", "pk") if oldest_first else rows.order_by("-created_at", "-pk")


@contextmanager
def _answers() -> Iterator[None]:
    """The services' errors as the contract's answers."""
    try:
        yield
    except ConfigError as error:
        raise ValidationError({"error": "Invalid configuration", "details": str(error)}) from error
    except Endpoint.DoesNotExist as error:
        raise NotFound(NOT_FOUND) from error
