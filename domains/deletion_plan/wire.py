"""The wire of deletion plans."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from domains.api.deletion_serializers import published_record
from domains.deletion_plan.model import DeletionPlan, StoredMail
from domains.dependents import EndpointUse, Names
from rest.fields import timestamp
from ses_integration.plan.simulate import Forecast, IdentityOutcome, RuleChange

IDENTITY_NOTES = {
    IdentityOutcome.DELETED: None,
    IdentityOutcome.KEPT: "It was not created by this installation, so it is kept.",
    IdentityOutcome.UNKNOWN: (
        "It is not known yet whether it is ours. SES is asked first; it is deleted if it is, and kept if it is not."
    ),
    IdentityOutcome.NONE: "SES is known to hold none.",
}
NOT_KNOWN_HERE = "None is known in the configured region and rule set."


def shown(plan: DeletionPlan) -> dict[str, Any]:
    """The answer to GET /domains/{id}/deletion-plan, and to DELETE with `dry_run=true`."""
    database, outside = plan.database, plan.outside
    rows = database.rows
    return {
        "domain": {"id": plan.subject.pk, "name": database.domain, "isCatchAllEnabled": database.catch_all},
        "token": str(plan.token),
        "isCertain": plan.certain,
        "receiptRules": [rule(it) for it in database.ses.rules],
        "sesIdentity": {"outcome": database.ses.identity.value, "note": _identity_note(database.ses)},
        "sesCalls": calls(database.ses, database.ses_seconds, outside.problem),
        "sesConfirmedAt": moment(plan.confirmed_at),
        "sesProblems": list(database.ses.problems),
        "storedMail": _stored_mail(outside.stored_mail),
        "rows": {
            "blockedEmails": rows.blocked_emails,
            "emailAddresses": rows.email_addresses,
            "activeEmailAddresses": rows.active_email_addresses,
            "dnsRecords": rows.dns_records,
            "digest": rows.digest[:16],
        },
        "stays": {
            "subdomains": list(database.sub_domains),
            "endpoints": [_endpoint(it) for it in database.endpoints],
            "dnsRecords": [published_record(it) for it in outside.dns],
        },
    }


def _identity_note(ses: Forecast) -> str | None:
    return NOT_KNOWN_HERE if ses.identity is IdentityOutcome.NONE and ses.problems else IDENTITY_NOTES[ses.identity]


def rule(change: RuleChange) -> dict[str, Any]:
    return {
        "name": change.name,
        "before": None if change.before is None else list(change.before),
        "after": None if change.after is None else list(change.after),
        "isConfirmed": change.confirmed,
        "inDoubt": list(change.may_add),
        "hasOthers": change.others,
    }


def calls(ses: Forecast, seconds: float, problem: str) -> dict[str, Any]:
    return {
        "calls": [asdict(call) for call in ses.calls],
        "count": len(ses.due),
        "seconds": seconds,
        "waiting": list(ses.waiting),
        "problem": problem or None,
    }


def moment(at: datetime | None) -> str | None:
    return timestamp(at) if at else None


def _stored_mail(mail: StoredMail) -> dict[str, Any]:
    """`complete` false: there is at least so much. Counts are null where nobody could look, and `problem` says why."""
    stored = mail.size.stored
    return {
        "outcome": "kept" if mail.keeps else "erased",
        "location": mail.location,
        "objects": stored.objects if stored else None,
        "versions": stored.versions if stored else None,
        "bytes": stored.bytes if stored else None,
        "complete": mail.size.complete,
        "problem": mail.size.why or None,
    }


def _endpoint(use: EndpointUse) -> dict[str, Any]:
    return {
        "id": use.id,
        "name": use.name,
        "type": use.type,
        "emailAddresses": use.email_addresses,
        "isCatchAll": use.catch_all,
        "isUsedElsewhere": use.used_elsewhere,
        **named(use.names),
    }


def named(names: Names) -> dict[str, Any]:
    """Which addresses that go an endpoint's configuration names."""
    return {"forwardsTo": list(names.forwards_to), "sendsFrom": names.sends_from or None}
