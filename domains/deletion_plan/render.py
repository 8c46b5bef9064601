"""Renderings of a domain's deletion plan: JSON for the API, sections for the admin, text for `plan_delete`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings

from backoffice.text import Section, amount, listed, plural
from domains.deletion_plan import parts
from domains.deletion_plan.model import NOT_CREATED_HERE, DeletionPlan, FromDatabase, Rows, StoredMail
from domains.deletion_plan.parts import Part
from domains.dependents import EndpointUse
from domains.dns.leftovers import RecordLookup, State, lookup_as_json
from domains.models import Domain
from ses_integration.api import Forecast, RecordedIdentity

BEGUN = "The deletion of this domain has begun; confirming continues it."
CREATED_HERE = "It was created by this installation, so it is deleted."
RULES_DELETED = "Its SES receipt rules are deleted."
NOT_KNOWN_HERE = "None is known in the configured region and rule set."
# By outcome on the wire. Published in docs/api/plans.md.
IDENTITY_NOTES = {
    "deleted": None,
    "kept": f"It {NOT_CREATED_HERE}",
    "unknown": (
        "It is not known yet whether it is ours. SES is asked first; it is deleted if it is, and kept if it is not."
    ),
    "none": "SES is known to hold none.",
}


def as_json(plan: DeletionPlan) -> dict[str, Any]:
    """The answer to GET /domains/{id}/deletion-plan, and to DELETE with `dry_run=true`."""
    database = plan.database
    return {
        "domain": {"id": plan.subject.pk, "name": database.domain, "isCatchAllEnabled": database.catch_all},
        "token": str(plan.token),
        "isCertain": plan.certain,
        **_ses(plan).members,
        **parts.calls(database.ses, plan.outside.ses_problem, plan.confirmed_at).members,
        **_stored_mail(plan.outside.stored_mail).members,
        **_rows(database.rows).members,
        **_stays(plan).members,
    }


def as_sections(plan: DeletionPlan) -> list[Section]:
    """In the order of the deletion's steps, and then what stays."""
    return parts.as_sections(
        [
            Part("", [BEGUN] if plan.database.deleting else []),
            _ses(plan),
            parts.calls(plan.database.ses, plan.outside.ses_problem, plan.confirmed_at),
            _rows(plan.database.rows),
            _stored_mail(plan.outside.stored_mail),
            _stays(plan),
            Part("DNS records to remove yourself", _dns(plan.outside.dns)),
        ]
    )


def as_text(plan: DeletionPlan) -> str:
    return parts.as_text(plan.database.domain, as_sections(plan), certain=plan.certain)


def _ses(plan: DeletionPlan) -> Part:
    ses = plan.database.ses
    note = _identity_note(ses)
    return Part(
        parts.ses_title(plan.confirmed_at),
        [*parts.rules_as_lines(ses), _identity_line(note), *ses.problems],
        {
            "receiptRules": parts.rules_as_json(ses),
            "sesIdentity": {"outcome": ses.identity.value, "note": note},
        },
    )


def _identity_note(ses: Forecast) -> str | None:
    return NOT_KNOWN_HERE if ses.identity == "none" and ses.problems else IDENTITY_NOTES[ses.identity]


def _identity_line(note: str | None) -> str:
    return f"SES identity: {note or CREATED_HERE}"


def as_summary(domain: Domain, counts: str, identity: RecordedIdentity | None) -> list[str]:
    """The most important consequences, without a plan: for many domains, without asking S3 and DNS. `counts`: see `row_counts`."""
    ours = {True: "deleted", False: "kept", None: "unknown"}
    note = IDENTITY_NOTES[ours[identity.ours]] if identity else NOT_KNOWN_HERE
    mail = _mail_outcome(str(domain.mail), keeps=settings.KEEP_MAIL_ON_DOMAIN_DELETE)
    lines = [counts, RULES_DELETED, _identity_line(note), f"Stored mail: {mail}."]
    return [BEGUN, *lines] if domain.deleting_since else lines


def row_counts(blocked_emails: int, email_addresses: int, dns_records: int, *, inactive: int = 0) -> str:
    """`1 blocked email, 3 email addresses (1 inactive), 9 DNS records`."""
    note = f" ({inactive:,} inactive)" if inactive else ""
    addresses = f"{plural(email_addresses, 'email address')}{note}"
    return f"{plural(blocked_emails, 'blocked email')}, {addresses}, {plural(dns_records, 'DNS record')}"


def _rows(rows: Rows) -> Part:
    inactive = rows.email_addresses - rows.active_email_addresses
    line = row_counts(rows.blocked_emails, rows.email_addresses, rows.dns_records, inactive=inactive)
    members = {
        "blockedEmails": rows.blocked_emails,
        "emailAddresses": rows.email_addresses,
        "activeEmailAddresses": rows.active_email_addresses,
        "dnsRecords": rows.dns_records,
        "digest": rows.digest[:16],
    }
    return Part("In the database", [line], {"rows": members})


def _stored_mail(mail: StoredMail) -> Part:
    """`complete` false: there is at least this much. Counts are null if S3 could not be asked; `problem` says why."""
    stored = mail.size.stored
    line = _mail_outcome(mail.location, keeps=mail.keeps)
    if stored is None:
        line += f". Its size could not be looked up: {mail.size.why}"
    else:
        line += f": {'' if mail.size.complete else 'at least '}{amount(stored)}."
    members = {
        "outcome": "kept" if mail.keeps else "erased",
        "location": mail.location,
        "objects": stored.objects if stored else None,
        "versions": stored.versions if stored else None,
        "bytes": stored.bytes if stored else None,
        "complete": mail.size.complete,
        "problem": mail.size.why or None,
    }
    return Part("Stored mail", [line], {"storedMail": members})


def _mail_outcome(location: str, *, keeps: bool) -> str:
    outcome = "kept, because KEEP_MAIL_ON_DOMAIN_DELETE is on" if keeps else "erased, with every version"
    return f"{location} is {outcome}"


def _stays(plan: DeletionPlan) -> Part:
    database = plan.database
    members = {
        "subdomains": list(database.sub_domains),
        "endpoints": [_endpoint_as_json(use) for use in database.endpoints],
        "dnsRecords": [lookup_as_json(record) for record in plan.outside.dns],
    }
    return Part("What stays", _stays_lines(database), {"stays": members})


def _stays_lines(database: FromDatabase) -> Iterator[str]:
    if database.sub_domains:
        yield f"{plural(len(database.sub_domains), 'subdomain')}, unchanged: {listed(database.sub_domains)}."
    for use in database.endpoints:
        mail = [
            *([f"the mail of {plural(use.email_addresses, 'address')}"] if use.email_addresses else []),
            *(["the catch-all's mail"] if use.catch_all else []),
        ]
        other = "mail of other domains as well" if use.used_elsewhere else "no other mail"
        receives = [f"it receives {' and '.join(mail)}, and {other}"] if mail else []
        yield f"Endpoint {use.name}: {'; '.join([*receives, *parts.names_as_phrases(use.names)])}."


def _endpoint_as_json(use: EndpointUse) -> dict[str, Any]:
    return {
        "id": use.id,
        "name": use.name,
        "type": use.type,
        "emailAddresses": use.email_addresses,
        "isCatchAll": use.catch_all,
        "isUsedElsewhere": use.used_elsewhere,
        **parts.names_as_json(use.names),
    }


def _dns(records: Sequence[RecordLookup]) -> Iterator[str]:
    for record in records:
        name = f"{record.type} {record.name} ({record.purpose})"
        if record.state is State.PUBLISHED:
            yield " ".join(filter(None, [f"{name} is published: {'; '.join(record.found)}.", record.hint]))
        elif record.state is State.UNKNOWN:
            yield f"{name} could not be looked up: {record.why}"
    if gone := sum(record.state is State.GONE for record in records):
        yield "The other records are gone." if gone < len(records) else "None is published."
