"""/metrics: what all processes of this web server have counted, and the state."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from desk.machine.gauges import StateCollector
from desk.machine.probes import PATIENCE_SECONDS
from desk.state.read import one_moment, read_state

logger = logging.getLogger(__name__)


class _Given(Collector):
    def __init__(self, *families: GaugeMetricFamily | InfoMetricFamily) -> None:
        self._families = families

    def collect(self) -> tuple[GaugeMetricFamily | InfoMetricFamily, ...]:
        return self._families


def metrics(request: HttpRequest) -> HttpResponse:
    """Everything that is measured. While the database is away, what the processes have counted, and `inbound_database_up` 0."""
    state = CollectorRegistry()
    try:
        with one_moment(patience=PATIENCE_SECONDS):
            state.register(StateCollector(read_state()))
        is_up = True
    except (DatabaseError, InterfaceError) as error:
        logger.warning("%s: %s", request.path, error)
        is_up = False
    state.register(
        _Given(
            GaugeMetricFamily("inbound_database_up", "Whether the database answers.", value=float(is_up)),
            InfoMetricFamily("inbound", "This version.", {"version": settings.VERSION}),
        )
    )
    body = generate_latest(_counted()) + generate_latest(state)
    return HttpResponse(body, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _counted() -> CollectorRegistry:
    """What has been counted: by all workers of gunicorn, which share a folder (gunicorn.conf.py), otherwise by this process."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return REGISTRY
    return registry
