"""The DNS records of a domain on its page: what to publish, what was found, and a zone file."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.links import page_link
from backoffice.tables import copied, html_table
from backoffice.text import ago, duration, moment, plural
from domains.dns import verdict
from domains.dns.verdict import State
from domains.dns.zonefile import zone_fragment
from domains.models import DnsRecord, Domain
from domains.verification.rows import record_of, records_of, unnamed_records
from ses_integration.api import RecordedIdentity
from workers.alive import is_alive
from workers.models import WorkerKind

# The page of a domain that is not verified looks again after so many seconds.
LIVE_SECONDS = 10
NO_WORKER = "No ses_worker is running, so nobody looks for the records. Start one, or check now."
HEAD = ["Type", "Name", "Value", "Required", "Published", "What to do"]


def context_of(domain: Domain, *, with_zone: bool) -> dict[str, Any]:
    """What is under the tab. `with_zone` asks DNS, which may take DNS_TIMEOUT_SECONDS."""
    known = RecordedIdentity.by_domain([domain.name]).get(domain.name)
    rows = sorted(domain.dns_records.all(), key=lambda row: record_of(domain.name, row).place)
    return {
        "records": _table(domain, rows),
        "published": _published(rows),
        "unnamed": unnamed_records(domain.name, known) or "",
        "looked": _looked(domain),
        "again": _again(domain),
        "zone": _zone(domain, known, rows) if with_zone else "",
        "live": LIVE_SECONDS if domain.status != Domain.Status.VERIFIED and domain.deleting_since is None else 0,
    }


def _table(domain: Domain, rows: list[DnsRecord]) -> SafeString:
    lines = [
        [
            row.record_type,
            format_html("{} {}", page_link("domains.dnsrecord", row.pk, row.name), copied(row.name, "name")),
            format_html("{} {}", row.value, copied(row.value, "value")),
            "yes" if row.is_required else "no",
            row.get_state_display() or "not checked",
            row.problem,
        ]
        for row in rows
    ]
    return html_table(HEAD, lines) if lines else SafeString("none known yet")


def _published(rows: list[DnsRecord]) -> str:
    """`7 of 9 records are published.`"""
    found = sum(row.state == State.VERIFIED for row in rows)
    return f"{found} of {plural(len(rows), 'record')} {'is' if len(rows) == 1 else 'are'} published."


def _looked(domain: Domain) -> str:
    at = domain.last_dns_check
    return f"Last looked {ago(at, timezone.now())}." if at else "Nobody has looked yet."


def _again(domain: Domain) -> str:
    """When somebody looks again, if there is somebody."""
    if domain.deleting_since is not None:
        return ""
    if not is_alive(WorkerKind.SES):
        return NO_WORKER
    if domain.next_check is None:
        return "The worker does not look any more. Check now once the records are published."
    left = domain.next_check - timezone.now()
    return f"The worker looks again at {moment(domain.next_check)}, in {duration(left)}."


def _zone(domain: Domain, known: RecordedIdentity | None, rows: list[DnsRecord]) -> str:
    records = records_of(domain.name, known) or [record_of(domain.name, row) for row in rows]
    checks = verdict.check(records)
    return zone_fragment(domain.name, [checks[record] for record in records])
