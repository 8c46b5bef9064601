"""Check domains: ask SES and DNS at the same time, and store the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from domains.dns import verdict
from domains.dns.verdict import CheckedRecord
from domains.models import DnsRecord, Domain
from domains.verification.rows import Finding, record_of, rows_by_domain, store
from domains.verification.rule import NOT_FOUND
from ses_integration.api import NotConfigured, RecordedIdentity, SesError, shared_deadline

# What answers show instead of a status of SES.
UNKNOWN, ERROR = "Unknown", "Error"
COLLISION = (
    "SES uses {host} as MAIL FROM domain of {name}, but {host} is a domain that receives mail. Choose another one: POST "
    "/domains/{{id}}/auth with mailFromDomain."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check of one domain, which is stored.

    `ses_status`: in SES's spelling, `NotFound`, `Unknown` without AWS configuration, or `Error`. `verdicts`: by the id of the
    record's row.
    """

    domain: Domain
    at: datetime
    ses_status: str
    identity: RecordedIdentity | None
    records: Sequence[DnsRecord]
    verdicts: Mapping[str, CheckedRecord]
    # Why SES gave no answer.
    error: SesError | None = None
    # A sentence if the MAIL FROM domain is a domain that receives mail.
    collision: str = ""


def check_page(domains: Sequence[Domain]) -> list[Checked]:
    """Check up to 100 domains with two SES calls, and leave out those that were deleted meanwhile. Raises no SesError.

    Ends within the deadline of AWS calls and within DNS_TIMEOUT_SECONDS.
    """
    return _check(domains, lambda: RecordedIdentity.refresh([domain.name for domain in domains]))


def check_one(domain: Domain) -> Checked | None:
    """Check one domain with one SES call, which returns its DKIM tokens, too. None if it was deleted meanwhile."""
    return next(iter(_check([domain], lambda: {domain.name: RecordedIdentity.check(domain.name)})), None)


def _check(domains: Sequence[Domain], ask_ses: Callable[[], Mapping[str, RecordedIdentity | None]]) -> list[Checked]:
    rows = rows_by_domain([domain.pk for domain in domains])
    records = {row.pk: record_of(domain.name, row) for domain in domains for row in rows[domain.pk]}
    identities: Mapping[str, RecordedIdentity | None] = {}
    began = timezone.now()
    error: SesError | None = None
    with shared_deadline(), ThreadPoolExecutor(1, thread_name_prefix="check") as pool:
        looking = pool.submit(verdict.check, set(records.values()))
        try:
            identities = ask_ses()
        except SesError as failure:
            error = failure
        verdicts = looking.result()
    collisions = mail_from_collisions({name: it for name, it in identities.items() if it})
    findings = {}
    for domain in domains:
        identity = identities.get(domain.name)
        status = "" if error else identity.status if identity else NOT_FOUND
        checked = {row.pk: verdicts[records[row.pk]] for row in rows[domain.pk]}
        findings[domain.pk] = Finding(status, identity, checked, domain.name in collisions)
    stored = store(findings, rows, began)
    shown_error = UNKNOWN if isinstance(error, NotConfigured) else ERROR
    return [
        Checked(
            stored[pk],
            began,
            finding.ses_status or shown_error,
            finding.identity,
            rows[pk],
            finding.checked,
            error,
            collisions.get(stored[pk].name, ""),
        )
        for pk, finding in findings.items()
        if pk in stored
    ]


def mail_from_collisions(identities: Mapping[str, RecordedIdentity]) -> dict[str, str]:
    """A sentence for each of these domains whose MAIL FROM domain in SES is a domain that receives mail; one statement.

    SES takes any. Only identities that somebody else has created or changed can have such a one.
    """
    used = {identity.mail_from_domain: name for name, identity in identities.items() if identity.mail_from_domain}
    if not used:
        return {}
    receiving = Domain.objects.live().filter(name__in=list(used)).values_list("name", flat=True)
    return {used[host]: COLLISION.format(host=host, name=used[host]) for host in receiving}
