"""The deliveries of an email, and how it is delivered again (docs/api/compatibility.md, "Deliveries")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from domains.models import endpoints_of
from mail.api.deliveries.answers import page_of
from mail.api.deliveries.serializers import RetriedSerializer
from mail.delivery import replay
from mail.models import Delivery, ReceivedEmail
from rest.access.roles import Deed, may
from rest.access.rows import role_of
from rest.ids import find_or_none
from rest.viewsets import OwnedViewSet

# Before the id of a delivery in the header `webhook-id`.
PREFIX = "msg_"


@dataclass(frozen=True, slots=True)
class Retried:
    """What was done, and the id of the delivery that will be made."""

    message: str
    delivery_id: str | None


class DeliveryActions(OwnedViewSet[ReceivedEmail]):
    """Mixin with the deliveries of one email."""

    @action(detail=True)
    def deliveries(self, request: Request, pk: str) -> Response:
        """List an email's deliveries with every attempt."""
        email = self.get_object()
        whole = may(role_of(email), Deed.SEE_PRIVATE)
        return page_of(self, Delivery.objects.filter(received=email), whole=whole)

    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Deliver an email again, to another endpoint, or out of quarantine."""
        email = self.get_object()
        body: Any = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(RetriedSerializer(self._retry(email, **body.validated_data)).data)

    def _retry(
        self,
        email: ReceivedEmail,
        *,
        delivery_id: str | None = None,
        endpoint_id: str | None = None,
        release: bool = False,
        again: bool = False,
    ) -> Retried:
        """Do what is asked for. Raises CannotDeliver."""
        if release:
            route = replay.release(email)
            routed = email.deliveries.filter(endpoint=route.endpoint).first() if route.endpoint else None
            return Retried("Email released from quarantine", routed.pk if routed else None)
        if endpoint_id:
            endpoint = find_or_none(endpoints_of(email.owner_id), endpoint_id)
            if endpoint is None:
                raise replay.EndpointUnusable
            return Retried("Delivery to the endpoint queued", replay.deliver_to(email, endpoint).pk)
        delivery = self._delivery(email, delivery_id)
        replay.retry(delivery, again=again)
        return Retried("Delivery queued", delivery.pk)

    def _delivery(self, email: ReceivedEmail, pk: str | None) -> Delivery:
        """One delivery of the email, by default the newest."""
        rows = email.deliveries.select_related("endpoint").order_by("-created_at", "-pk")
        found = (find_or_none(rows, pk) or find_or_none(rows, pk.removeprefix(PREFIX))) if pk else rows.first()
        if found is None:
            raise replay.DeliveryGone if pk else replay.NoDelivery
        return found
