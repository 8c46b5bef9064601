"""Publish the DNS records of the demo's domains in the emulator's zone, as their owner would."""

from __future__ import annotations

import json
import urllib.request

from django.db.models import Q

from domains.models import DnsRecord, Domain
from inbound.demo.environment import DemoEnvironment
from inbound.demo.readiness import ANSWER_SECONDS, opener
from inbound.demo.seed import DOMAIN


def publish_records(demo: DemoEnvironment) -> None:
    """Publish what is known of the demo's own domain, and of those that were verified before the emulator forgot its zone.

    Other domains stay pending until somebody publishes their records. Raises OSError if the emulator does not answer.
    """
    domains = Domain.objects.live().filter(Q(name=DOMAIN) | Q(status=Domain.Status.VERIFIED))
    rows = DnsRecord.objects.filter(domain__in=domains).values_list("record_type", "name", "value")
    records = [{"type": type, "name": name, "value": value} for type, name, value in rows]
    request = urllib.request.Request(f"{demo.emulator_url}/_dns", data=json.dumps(records).encode())  # noqa: S310 - http
    opener.open(request, timeout=ANSWER_SECONDS).close()
