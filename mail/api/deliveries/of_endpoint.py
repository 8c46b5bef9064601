"""The deliveries of an endpoint (docs/api/compatibility.md, "Deliveries")."""

from __future__ import annotations

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from endpoints.deliveries import STATUSES, states_of
from endpoints.models import Endpoint
from mail.api.deliveries import serializers
from mail.api.deliveries.answers import ERRORS, PAGE, page_of
from mail.delivery import replay
from mail.models import Delivery
from rest.filters import one_of
from rest.viewsets import OwnedViewSet

STATUS = {"type": "string", "enum": [*dict.fromkeys(STATUSES.values())]}


class EndpointDeliveriesViewSet(OwnedViewSet[Endpoint]):
    """`/endpoints/{id}/deliveries` and `/endpoints/{id}/redeliver`. The app `endpoints` has the other paths."""

    queryset = Endpoint.objects.all()
    not_found = "Endpoint not found"
    serializer_class = serializers.DeliveriesSerializer
    serializer_classes = {"redeliver": serializers.RedeliverBody}
    parameters = {"deliveries": {**PAGE, "status": STATUS}}
    accepting = ("redeliver",)
    errors = ERRORS

    @action(detail=True)
    def deliveries(self, request: Request, pk: str) -> Response:
        """List an endpoint's deliveries, newest first."""
        rows = Delivery.objects.live().filter(endpoint=self.get_object())
        status = request.query_params.get("status")
        if status:
            rows = rows.filter(state__in=states_of(one_of("status", status, STATUS["enum"])))
        return page_of(self, rows)

    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: str) -> Response:
        """Make failed deliveries again, up to 1,000."""
        endpoint = self.get_object()
        body: Any = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        queued = replay.redeliver(endpoint, since=body.validated_data.get("since"))
        return Response(serializers.RedeliveredSerializer(queued).data, status=202)
