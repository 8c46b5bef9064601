"""A domain's deletion plan: what its values say to people and to programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from backoffice.text import listed, moment, plural, size
from domains.deletion_plan import parts
from domains.deletion_plan.facts import FromDatabase, FromOutside, MailAmounts
from domains.dependents import EndpointUse
from domains.dns.leftovers import lookup_as_json
from domains.models import Domain
from rest.deletion.plan import Doubt, Part, Plan
from ses_integration.api import IdentityOutcome, RecordedIdentity

KIND = "domain"
BEGUN = "The deletion of this domain has begun; confirming continues it."
IN_GRACE = (
    "Deleted already. Until {} it can be restored: restore_domain does it. Only a permanent deletion (--permanent) ends the "
    "grace period before; what is named here happens then."
)
GRACE_ENDED = "Deleted already. Until {} it can be restored; a permanent deletion ends the grace period now."
DNS = "DNS records to remove yourself"
DNS_AFTER_GRACE = "DNS records to remove yourself, after the grace period"
CREATED_HERE = "It was created by this installation, so it is deleted."
# About the SES identity, in plans and in the warning of a deletion.
NOT_CREATED_HERE = "was not created by this installation, so it is kept."
NOT_KNOWN_HERE = "None is known in the configured region and rule set."
IDENTITY_NOTES = {
    IdentityOutcome.DELETED: None,
    IdentityOutcome.KEPT: f"It {NOT_CREATED_HERE}",
    IdentityOutcome.UNKNOWN: (
        "It is not known yet whether it is ours. SES is asked first; it is deleted if it is, and kept if it is not."
    ),
    IdentityOutcome.NONE: "SES is known to hold none.",
}


@dataclass(frozen=True, slots=True)
class DeletionPlan(Plan[FromDatabase, FromOutside]):
    """`mail` is not part of the token: it arrives by itself, and a busy domain could never be deleted with one.

    `in_grace_until`: when a grace period that has begun ends. `permanent`: the deletion would end it now.
    """

    mail: MailAmounts
    in_grace_until: datetime | None = None
    permanent: bool = False

    def doubts(self) -> list[Doubt]:
        """Red is what SES and S3 may still hold. DNS is not ours, so what it did not say is amber."""
        found = parts.ses_doubts(self.database.ses, self.outside.ses_problem)
        stored = self.mail.stored
        if stored.stored is None:
            found.append(Doubt(f"Stored mail: its size could not be looked up. {stored.why}"))
        elif not stored.complete:
            found.append(Doubt("Stored mail: there is more than could be counted.", severe=False))
        return [*found, *parts.dns_doubts(self.outside.dns)]

    @property
    def begun(self) -> bool:
        return self.database.deleting

    def headline(self) -> str:
        """`112 addresses · 25 mails, 49.1 KB · 1 rule · identity`."""
        rules = sum(rule.after is None for rule in self.database.ses.rules)
        identity = self.database.ses.identity
        mail = f"{plural(self.mail.emails, 'mail')}, {size(self.mail.bytes)}"
        goes = [
            plural(self.database.email_addresses, "address"),
            mail if self.mail.emails else "no mail",
            plural(rules, "rule"),
            *(["identity"] if identity is IdentityOutcome.DELETED else []),
        ]
        return " · ".join(goes)

    def parts(self) -> list[Part]:
        """In the order of the deletion's steps, and then what stays."""
        database, outside = self.database, self.outside
        domain = {"id": self.subject.pk, "name": database.domain, "isCatchAllEnabled": database.catch_all}
        return [
            Part("", self._begun(), {"domain": domain}),
            parts.grace_period(0 if self.begun else outside.grace_days),
            self._ses(),
            parts.calls(database.ses, outside.ses_problem),
            self._rows(),
            self._received_emails(),
            self._stored_mail(),
            parts.accesses(database.accesses),
            self._stays(),
            Part(DNS_AFTER_GRACE if self._keeps_dns else DNS, [*parts.dns_lines(outside.dns)]),
        ]

    def _begun(self) -> list[str]:
        if self.in_grace_until is None or self.in_grace_until <= timezone.now():
            return [BEGUN] if self.begun else []
        return [(GRACE_ENDED if self.permanent else IN_GRACE).format(moment(self.in_grace_until))]

    @property
    def _keeps_dns(self) -> bool:
        """A domain that is restored needs its records."""
        if self.begun:
            return self.in_grace_until is not None and not self.permanent
        return bool(self.outside.grace_days)

    def _ses(self) -> Part:
        ses = self.database.ses
        unclear = ses.identity is IdentityOutcome.NONE and ses.problems
        note = NOT_KNOWN_HERE if unclear else IDENTITY_NOTES[ses.identity]
        lines = [*parts.rule_lines(ses), _identity_line(note), *ses.problems]
        return parts.ses(self, lines, sesIdentity={"outcome": ses.identity, "note": note})

    def _rows(self) -> Part:
        rows = self.database
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

    def _received_emails(self) -> Part:
        mail = self.mail
        members = {"emails": mail.emails, "attachments": mail.attachments, "bytes": mail.bytes}
        amounts = (
            f"{plural(mail.emails, 'received email')}, {plural(mail.attachments, 'attachment')}, {size(mail.bytes)}"
        )
        line = f"{amounts}: no longer listed when the deletion begins, and then erased."
        return Part("Received emails", [line] if mail.emails else [], {"receivedEmails": members})

    def _stored_mail(self) -> Part:
        """`complete` false: there is at least this much. Counts are null if S3 could not be asked; `problem` says why."""
        location, found, keeps = self.outside.mail_location, self.mail.stored, self.outside.keeps_mail
        stored = found.stored
        amount = (
            f": {'' if found.complete else 'at least '}{stored}."
            if stored
            else f". Its size could not be looked up: {found.why}"
        )
        members = {
            "outcome": "kept" if keeps else "erased",
            "location": location,
            "objects": stored.objects if stored else None,
            "versions": stored.versions if stored else None,
            "bytes": stored.bytes if stored else None,
            "complete": found.complete,
            "problem": found.why or None,
        }
        lines = [mail_outcome(location, keeps=keeps) + amount]
        if self.mail.exports:
            members["exports"] = self.mail.exports
            lines.append(
                f"{plural(self.mail.exports, 'export')} there: erased in any case. Download what you need first."
            )
        return Part("Stored mail", lines, {"storedMail": members})

    def _stays(self) -> Part:
        below, uses = self.database.sub_domains, self.database.endpoints
        lines = [f"{plural(len(below), 'subdomain')}, unchanged: {listed(below)}."] if below else []
        members = {
            "subdomains": below,
            "endpoints": [
                parts.endpoint_members(
                    use,
                    emailAddresses=use.email_addresses,
                    isCatchAll=use.catch_all,
                    isUsedElsewhere=use.used_elsewhere,
                )
                for use in uses
            ],
            "dnsRecords": [lookup_as_json(record) for record in self.outside.dns],
        }
        return Part(parts.STAYS, [*lines, *map(_endpoint_line, uses)], {"stays": members})


# Titles of what `summary` says.
SUMMARY = ("In the database", "In SES", "Stored mail")


def summary(domain: Domain, counts: str, identity: RecordedIdentity | None) -> list[str]:
    """The most important consequences, without a plan: for many domains, without asking S3 and DNS. `counts`: see `row_counts`."""
    outcomes = {True: IdentityOutcome.DELETED, False: IdentityOutcome.KEPT, None: IdentityOutcome.UNKNOWN}
    note = IDENTITY_NOTES[outcomes[identity.ours]] if identity else NOT_KNOWN_HERE
    mail = mail_outcome(str(domain.mail), keeps=settings.KEEP_MAIL_ON_DOMAIN_DELETE)
    if domain.restorable_until is not None:
        until = f"Deleted already. Until {moment(domain.restorable_until)} it can be restored; nothing changes now."
        return [until, "Its SES identity stays until then.", "Stays until then."]
    rows = f"{BEGUN} {counts}" if domain.deleting_since else counts
    return [rows, f"Its SES receipt rules are deleted. {_identity_line(note)}", f"{mail}."]


def row_counts(blocked_emails: int, email_addresses: int, dns_records: int, *, inactive: int = 0) -> str:
    """`1 blocked email, 3 email addresses (1 inactive), 9 DNS records`."""
    note = f" ({inactive:,} inactive)" if inactive else ""
    addresses = f"{plural(email_addresses, 'email address')}{note}"
    return f"{plural(blocked_emails, 'blocked email')}, {addresses}, {plural(dns_records, 'DNS record')}"


def mail_outcome(location: str, *, keeps: bool) -> str:
    """A clause without its full stop: whether the stored mail at `location` is kept or erased."""
    outcome = "kept, because KEEP_MAIL_ON_DOMAIN_DELETE is on" if keeps else "erased, with every version"
    return f"{location} is {outcome}"


def _identity_line(note: str | None) -> str:
    return f"SES identity: {note or CREATED_HERE}"


def _endpoint_line(use: EndpointUse) -> str:
    sources = [
        *([f"of {plural(use.email_addresses, 'address')}"] if use.email_addresses else []),
        *(["of the catch-all"] if use.catch_all else []),
    ]
    others = ", and of other domains as well" if use.used_elsewhere else ", and no other mail"
    return parts.endpoint_line(use, *([f"it receives the mail {' and '.join(sources)}{others}"] if sources else []))
