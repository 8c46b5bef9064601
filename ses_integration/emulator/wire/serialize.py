"""Answers in the protocol of a service, from its model in botocore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model

from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.responses import Response

_PROTOCOLS = {"ses": "query", "sesv2": "rest-json", "sns": "query", "sqs": "json"}


def serialized(call: Call, result: Mapping[str, Any] | None) -> Response:
    """The successful response to a call of SES, SNS or SQS."""
    request_id = str(uuid4())
    serializer = get_serializer_class(call.service, _PROTOCOLS[call.service])(
        operation_model=get_service_model(call.service).operation_model(call.action),
        context=SerializationContext(request_id=request_id),
    )
    answer = serializer.serialize(result)
    headers = [*answer["headers"].items(), ("x-amzn-RequestId", request_id)]
    return Response(answer["status_code"], headers, answer["body"].encode())
