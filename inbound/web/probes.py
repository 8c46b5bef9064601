"""The middleware that answers probes and metrics before anything else."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from desk.machine.metrics import metrics
from desk.machine.probes import healthz, readyz
from inbound.web.remote import remote_address

LOCAL_ONLY = "Metrics are for this machine, or for those who send METRICS_TOKEN as a bearer token."


def guarded_metrics(request: HttpRequest) -> HttpResponse:
    """Metrics for those who have the token, or who ask from this machine if there is no token."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
            return JsonResponse({"error": "Unauthorized"}, status=401, headers={"WWW-Authenticate": "Bearer"})
    elif not _is_local(request):
        return JsonResponse({"error": LOCAL_ONLY}, status=HTTPStatus.FORBIDDEN)
    return metrics(request)


# Proxies add at least one of them, unless they are told to add nothing.
FORWARDED = (
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA",
)  # fmt: skip

VIEWS = {"/healthz": healthz, "/readyz": readyz, "/metrics": guarded_metrics}


class Probes:
    """Answer /healthz, /readyz and /metrics.

    As middleware, because a probe asks for an address that ALLOWED_HOSTS does not name, without TLS and without a session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = VIEWS.get(request.path_info)
        if view is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        answer = view(request)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _is_local(request: HttpRequest) -> bool:
    """Whether the client is on this machine. One behind a proxy never is, whatever the proxy says of its address."""
    if any(name in request.META for name in FORWARDED):
        return False
    address = remote_address(request)
    return bool(address) and ip_address(address).is_loopback
