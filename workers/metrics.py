"""What this worker has counted, for Prometheus: its calls to AWS, its memory and its time."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import CommandError
from prometheus_client import start_http_server


def serve_metrics() -> None:
    """Answer /metrics at WORKER_METRICS from a thread, if that is set."""
    if not settings.WORKER_METRICS:
        return
    host, _, port = settings.WORKER_METRICS.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"))
    except OSError as error:
        raise CommandError(f"WORKER_METRICS is {settings.WORKER_METRICS}: {error.strerror}.") from error
