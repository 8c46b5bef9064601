"""What the admin tells of a domain in SES: on its page, and before it is deleted."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Count
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.links import page_link
from domains.models import Domain
from ses_integration.admin import columns
from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import Presence

SHOWN_RECIPIENTS = 10

# Reverse accessors; the first two are of the app above: addresses.BlockedEmail and addresses.EmailAddress.
PARTS = {
    "blocked_emails": ("blocked email", "blocked emails"),
    "email_addresses": ("email address", "email addresses"),
    "dns_records": ("DNS record", "DNS records"),
}


def rule(entry: LedgerEntry) -> SafeString:
    """`inbound-example.com-rule: a@example.com, b@example.com`, for an entry with its recipients fetched along."""
    link = page_link("ses_integration.ledgerentry", entry.pk, entry.name)
    names = sorted(recipient.recipient for recipient in entry.recipients.all())
    if entry.presence == Presence.UNKNOWN:
        return format_html("{}: contents not confirmed", link)
    if entry.presence == Presence.ABSENT:
        return format_html("{}: a call without an answer may still create it", link)
    more = f" and {len(names) - SHOWN_RECIPIENTS} more" if len(names) > SHOWN_RECIPIENTS else ""
    return format_html("{}: {}{}", link, ", ".join(names[:SHOWN_RECIPIENTS]), more)


def rules(entries: Sequence[LedgerEntry], domain: str) -> SafeString:
    found = columns.rules(entries, domain)
    return format_html_join(SafeString("<br>"), "{}", ((rule(entry),) for entry in found)) or SafeString("none")


def identity(entries: Sequence[LedgerEntry], domain: str) -> SafeString:
    entry = columns.identity(entries, domain)
    if entry is None:
        return SafeString("none")
    facts = entry.identity if hasattr(entry, "identity") else None
    status = (facts.status if facts else "") or "status not known"
    checked = f", asked {facts.checked_at:%Y-%m-%d %H:%M} UTC" if facts and facts.checked_at else ""
    link = page_link("ses_integration.ledgerentry", entry.pk, entry.name)
    return format_html("{}: {}, {}{}", link, status, _whose(facts.ours if facts else None), checked)


def _whose(ours: bool | None) -> str:
    return {True: "ours", False: "not ours: used, never deleted", None: "not known yet whether it is ours"}[ours]


def what_goes(domains: Sequence[Domain]) -> dict[str, list[str | SafeString]]:
    """By primary key, what the deletion of each domain takes away; a constant number of statements."""
    entries = columns.entries([domain.name for domain in domains])
    rows = Domain.objects.filter(pk__in=[domain.pk for domain in domains]).order_by()
    counts = {
        part: dict(rows.annotate(parts=Count(part)).values_list("pk", "parts"))  # three joins at once would multiply
        for part in PARTS
    }
    return {
        domain.pk: [
            counted({part: counts[part].get(domain.pk, 0) for part in PARTS}),
            *_ses(entries, domain.name),
            _stored_mail(domain),
            *_catch_all(domain),
            *(["A deletion of this domain has begun; this goes on with it."] if domain.deleting_since else []),
        ]
        for domain in domains
    }


def counted(counts: dict[str, int]) -> str:
    """`1 blocked email, 3 email addresses, 9 DNS records`."""
    return ", ".join(f"{count} {PARTS[part][count != 1]}" for part, count in counts.items())


def _ses(entries: Sequence[LedgerEntry], name: str) -> list[str | SafeString]:
    lines: list[str | SafeString] = [
        format_html("SES receipt rule {}", rule(entry)) for entry in columns.rules(entries, name)
    ]
    if not lines:
        lines.append("No SES receipt rule is known.")
    if (entry := columns.identity(entries, name)) is None:
        return [*lines, "No SES identity is known."]
    ours = entry.identity.ours if hasattr(entry, "identity") else None
    said = {
        True: "The SES identity: it was created by this installation.",
        False: "The SES identity stays: it was not created by this installation.",
        None: "The SES identity, if it turns out to be ours: SES is asked first.",
    }
    return [*lines, said[ours]]


def _stored_mail(domain: Domain) -> SafeString:
    bucket = ses_config().bucket or "(no bucket configured)"
    what = "Not the stored mail" if settings.KEEP_MAIL_ON_DOMAIN_DELETE else "Stored mail, every version of it,"
    return format_html("{} under <code>s3://{}/{}</code>", what, bucket, domain.key_prefix)


def _catch_all(domain: Domain) -> list[str | SafeString]:
    endpoint = domain.catch_all_endpoint
    if not domain.receives_everything or endpoint is None:
        return []
    link = page_link("endpoints.endpoint", endpoint.pk, endpoint.name)
    return [format_html("The catch-all to {}; the endpoint itself stays.", link)]
