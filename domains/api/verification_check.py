"""`?check=true`: ask SES now, and add its answer (docs/api/compatibility.md, "Verification check")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone

from domains.dns import records as dns_records
from domains.lifecycle.identity import apply_identity, status_of
from domains.models import Domain
from rest.fields import timestamp
from ses_integration.api import NotConfigured, RecordedIdentity, SesError


def check_page(domains: Sequence[Domain]) -> dict[str, dict[str, Any]]:
    """`verificationCheck` by domain name for a page of a list; two SES calls altogether."""
    known: dict[str, RecordedIdentity] = {}
    failure = ""
    try:
        known = RecordedIdentity.refresh([domain.name for domain in domains])
    except NotConfigured:
        failure = "Unknown"
    except SesError:
        failure = "Error"
    prefetch_related_objects(list(domains), "dns_records")
    for domain in domains:
        # Only changed ones, so that the number of statements does not grow with the page.
        if domain.name in known and status_of(known[domain.name], domain) != domain.status:
            apply_identity(domain, known[domain.name])
    return {
        domain.name: {"verificationCheck": _shown(domain, failure or _status(known.get(domain.name)))}
        for domain in domains
    }


def check_one(domain: Domain) -> dict[str, Any]:
    """`verificationCheck` and `authRecommendations` of one domain; one SES call."""
    try:
        known = RecordedIdentity.check(domain.name)
    except SesError as error:
        check: dict[str, Any] = {"dkimVerified": False, "mailFromVerified": False}
        if isinstance(error, NotConfigured):
            check |= _shown(domain, "Unknown")
        else:
            check |= _shown(domain, "Error")
            check |= {"dkimStatus": "Unknown", "dkimTokens": [], "mailFromStatus": "Unknown"}
    else:
        if known is not None:
            apply_identity(domain, known)
        check = _shown(domain, _status(known)) | _details(known)
    return {"verificationCheck": check} | _recommendations(domain)


def _status(known: RecordedIdentity | None) -> str:
    return known.status if known and known.status else "NotFound"


def _shown(domain: Domain, ses_status: str) -> dict[str, Any]:
    records = list(domain.dns_records.all())
    return {
        "dnsRecords": [
            {"type": row.record_type, "name": row.name, "value": row.value, "isVerified": row.is_verified}
            for row in records
        ],
        "sesStatus": ses_status,
        "isFullyVerified": ses_status == "Success" and bool(records) and all(row.is_verified for row in records),
        "lastChecked": timestamp(timezone.now()),
    }


def _details(known: RecordedIdentity | None) -> dict[str, Any]:
    dkim = (known.dkim_status if known else "") or "Pending"
    mail_from = (known.mail_from_status if known else "") or "NotSet"
    shown: dict[str, Any] = {
        "dkimStatus": dkim,
        "dkimVerified": dkim == "Success",
        "dkimTokens": known.dkim_tokens if known else [],
        "mailFromStatus": mail_from,
        "mailFromVerified": mail_from == "Success",
    }
    if known and known.mail_from_domain:
        shown["mailFromDomain"] = known.mail_from_domain
    return shown


def _recommendations(domain: Domain) -> dict[str, Any]:
    """SPF and DMARC recommendations, unless both are verified."""
    spf, dmarc = dns_records.spf(domain.name), dns_records.dmarc(domain.name)
    verified = {(row.name, row.value) for row in domain.dns_records.all() if row.is_verified}
    if {(spf.name, spf.value), (dmarc.name, dmarc.value)} <= verified:
        return {}
    return {
        "authRecommendations": {
            "spf": {"name": spf.name, "value": spf.value, "description": "SPF record for root domain (recommended)"},
            "dmarc": {
                "name": dmarc.name,
                "value": dmarc.value,
                "description": "DMARC policy record (starts with p=none for monitoring)",
            },
        }
    }
