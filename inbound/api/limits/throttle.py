"""Refuse requests of a key that has made too many, and tell every client what its key has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from inbound.api.limits.meter import METER, Left
from inbound.models import ApiKey
from rest.errors import TooManyRequests

if TYPE_CHECKING:
    from rest_framework.views import APIView

# Key in `request.META`: the throttle hands what is left to the middleware.
LEFT = "inbound.api.limits"


class LimitedByKey(BaseThrottle):
    """DRF throttle. First in the list: a refused request must not claim an idempotency key."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        limit: int = settings.API_REQUESTS_PER_MINUTE
        if not limit or not isinstance(request.auth, ApiKey):
            return True
        left = request.META[LEFT] = METER.take(request.auth.pk, limit)
        if left.remaining is None:
            raise TooManyRequests(
                f"Rate limit exceeded: {limit} requests a minute with this key. Try again in {left.reset_seconds} seconds.",
                left.reset_seconds,
            )
        return True


class TellLimits:
    """Middleware that adds the headers. Outside of stored answers, which are sent again later."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        left: Left | None = request.META.get(LEFT)
        if left:
            told = {"Limit": left.limit, "Remaining": left.remaining or 0, "Reset": left.reset_seconds}
            for name, number in told.items():
                # Clients know one or the other.
                answer.headers[f"RateLimit-{name}"] = answer.headers[f"X-RateLimit-{name}"] = str(number)
        return answer
