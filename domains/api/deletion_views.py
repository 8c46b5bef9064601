"""The report of each deletion of the caller's domains, also long after the domain is gone."""

from __future__ import annotations

from typing import cast

from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from domains.api import deletion_serializers
from domains.models import DomainDeletion
from rest.lookup import find, strict_flag


class OwnDeletions(GenericAPIView[DomainDeletion]):
    def get_queryset(self) -> QuerySet[DomainDeletion]:
        return DomainDeletion.objects.owned_by(self.request.user).order_by("-started_at", "id")


class DeletionList(OwnDeletions):
    def get(self, request: Request) -> Response:
        rows = self.get_queryset()
        if (finished := strict_flag(request, "finished")) is not None:
            rows = rows.filter(finished_at__isnull=not finished)
        page = cast("list[DomainDeletion]", self.paginate_queryset(rows))
        return self.get_paginated_response(deletion_serializers.reports(page))


class DeletionDetail(OwnDeletions):
    def get(self, request: Request, pk: str) -> Response:
        """With a live look into DNS, which may take DNS_TIMEOUT_SECONDS."""
        row = find(self.get_queryset(), pk, "Deletion not found")
        (report,) = deletion_serializers.reports([row])
        return Response(report | {"dns": deletion_serializers.still_in_dns(row)})
