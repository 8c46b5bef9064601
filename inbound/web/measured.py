"""How long requests take, as a histogram of Prometheus."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_seconds = Histogram(
    "inbound_http_request_seconds",
    "Time until the answer began, by view.",
    ["method", "view", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def measure(request: HttpRequest, answer: HttpResponse, seconds: float) -> None:
    """Count the request. Labels come from our views, never from the client: it could make any number of them."""
    found = request.resolver_match
    # One for the whole admin, which has hundreds.
    view = (found.namespace or found.view_name) if found else "none"
    method = request.method if request.method in METHODS else "other"
    _seconds.labels(method, view, str(answer.status_code)).observe(seconds)
