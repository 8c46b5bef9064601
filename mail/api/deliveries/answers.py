"""What the answers about deliveries share: pages and errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.exceptions import APIException, NotFound
from rest_framework.response import Response

from mail.api.deliveries.serializers import LoggedDeliverySerializer, SharedDeliverySerializer, with_log
from mail.delivery.replay import CannotDeliver, DeliveryGone, EndpointUnusable
from mail.models import DeliveryQuerySet
from rest.errors import Refused

# The first that fits counts.
ERRORS: Mapping[type[Exception], Callable[[Any], APIException]] = {
    DeliveryGone: lambda error: NotFound(str(error)),
    EndpointUnusable: lambda error: NotFound(str(error)),
    CannotDeliver: lambda error: Refused(str(error)),
}
PAGE = {name: {"type": "integer"} for name in ("limit", "offset")}


def page_of(view: Any, rows: DeliveryQuerySet, *, whole: bool = True) -> Response:
    """A page of deliveries, newest first. Four statements. `whole`: also how endpoints are configured and what they answered."""
    pages = view.paginator
    found = pages.pick(with_log(rows), view.request, view)
    serializer = LoggedDeliverySerializer if whole else SharedDeliverySerializer
    answer: Response = pages.get_paginated_response(serializer(found, many=True).data)
    return answer
