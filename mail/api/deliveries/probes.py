"""`/endpoints/{id}/test`, which `endpoints` cannot have (docs/api/compatibility.md, "Test of an endpoint")."""

from __future__ import annotations

from typing import Any, cast

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_400_BAD_REQUEST

from endpoints.models import Endpoint
from mail.parsing.pool import Busy
from mail.webhooks.probe import Format, Probe, probe
from rest.errors import Unavailable
from rest.fields import Boolean
from rest.serializers import Answer, Body
from rest.viewsets import OwnedViewSet

DISABLED = "Endpoint is disabled"
NOT_SENT = "A test of a forward sends nothing. Send a mail to an address that is routed to this endpoint."
BUSY = "Too many requests are waiting for receivers at the moment. Try again in a few seconds."


class EndpointTestSerializer(Answer):
    optional = ("statusCode", "responseBody", "error", "testPayload", "webhookFormat")

    success = serializers.BooleanField()
    message = serializers.CharField()
    responseTime = serializers.SerializerMethodField()
    statusCode = serializers.IntegerField(source="status")
    responseBody = serializers.CharField(source="text")
    error = serializers.CharField()
    testPayload = serializers.DictField(source="payload")
    webhookFormat = serializers.CharField(source="format")

    def get_responseTime(self, result: Probe) -> int:
        return round(result.seconds * 1000)


class EndpointTestBody(Body):
    answer = EndpointTestSerializer

    webhookFormat = serializers.ChoiceField(list(Format), required=False)

    send = Boolean(required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            return {"form": Format(data.get("webhookFormat") or Format.INBOUND), "send": data.get("send") is True}
        except ValueError:
            raise ValidationError({"error": "Invalid webhook format", "validFormats": list(Format)}) from None


class EndpointTestViewSet(OwnedViewSet[Endpoint]):
    queryset = Endpoint.objects.all()
    not_found = "Endpoint not found or access denied"
    serializer_class = EndpointTestBody
    errors = {Busy: lambda _: Unavailable(BUSY)}

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a sample to an endpoint. The answer is 200 even if its receiver refuses it."""
        serializer = self.get_serializer(data=_lenient(request))
        serializer.is_valid(raise_exception=True)
        endpoint = self.get_object()
        if not endpoint.is_active:
            # The SDK reads `error` only.
            return Response(EndpointTestSerializer(Probe(False, DISABLED, error=DISABLED)).data, HTTP_400_BAD_REQUEST)
        values = cast(dict[str, Any], serializer.validated_data)
        if values["send"] and endpoint.type != Endpoint.Type.WEBHOOK:
            raise ValidationError(NOT_SENT)
        return Response(EndpointTestSerializer(probe(endpoint, values["form"])).data)


def _lenient(request: Request) -> Any:
    """The body, or nothing if it cannot be read, as the reference service has it."""
    try:
        return request.data
    except ParseError:
        return {}
