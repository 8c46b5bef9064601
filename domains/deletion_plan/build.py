"""Build a domain's deletion plan, for the API, dry runs, the admin and `plan_delete`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Subquery
from django.db.models.functions import Coalesce

from domains.deletion_plan import parts
from domains.deletion_plan.facts import FromDatabase, FromOutside, MailAmounts
from domains.deletion_plan.model import KIND, DeletionPlan
from domains.dependents import uses_of
from domains.dns import leftovers
from domains.dns.records import stored_record
from domains.models import Domain
from domains.provider import AddressRow, addresses_of, spec_in_grace, spec_of
from rest.deletion import plan_token
from rest.deletion.plan_token import OtherSortOfPlan, PlanOutdated, Subject
from ses_integration.api import Preview


def plan_of(domain: Domain, *, permanent: bool = False) -> DeletionPlan:
    """The plan; `permanent`: without a grace period.

    Asks S3 and DNS within their time limits, but not SES; a failure becomes part of the plan. Not for use inside a transaction,
    because it waits for the network.
    """
    days = _grace_days(permanent=permanent)
    database = _from_database(domain, days)
    return DeletionPlan(
        subject=subject_of(domain),
        database=database,
        outside=_from_outside(domain, database.ses, days),
        confirmed_at=database.ses.confirmed_at(with_identity=True),
        mail=_amounts(domain),
        in_grace_until=domain.restorable_until,
        permanent=permanent,
    )


def check_plan(domain: Domain, token: str, *, permanent: bool) -> None:
    """Compare the whole plan, before the deletion's transaction. Asks DNS. Raises PlanOutdated."""
    days = _grace_days(permanent=permanent)
    database = _from_database(domain, days)
    outside = _from_outside(domain, database.ses, days)
    try:
        plan_token.check(token, subject_of(domain), database, outside)
    except PlanOutdated:
        if settings.DOMAIN_DELETE_GRACE_DAYS:
            _refuse_other_sort(domain, token, outside, permanent=permanent)
        raise


def _refuse_other_sort(domain: Domain, token: str, outside: FromOutside, *, permanent: bool) -> None:
    """Raise OtherSortOfPlan if only the grace period is different, and otherwise PlanOutdated."""
    days = _grace_days(permanent=not permanent)
    database = _from_database(domain, days)
    other = replace(outside, grace_days=days, ses_problem=database.ses.configuration_problem())
    plan_token.check(token, subject_of(domain), database, other)
    raise OtherSortOfPlan(permanent=permanent)


def subject_of(domain: Domain) -> Subject:
    return Subject(KIND, domain.pk, domain.owner_id)


def check_token(domain: Domain, token: str, *, permanent: bool = False) -> None:
    """Compare the database's part, in the deletion's transaction and with the domain's row locked. Raises PlanOutdated.

    Services that add, change or block an address or switch catch-all lock this row first, so nothing can change between
    this check and the deletion.
    """
    plan_token.check(token, subject_of(domain), _from_database(domain, _grace_days(permanent=permanent)))


def _grace_days(*, permanent: bool) -> int:
    return 0 if permanent else settings.DOMAIN_DELETE_GRACE_DAYS


def _from_database(domain: Domain, grace_days: int) -> FromDatabase:
    addresses = addresses_of(domain)
    # Reverse accessor of the app above: addresses.BlockedEmail.
    blocked = list(domain.blocked_emails.order_by("email_address").values_list("email_address", flat=True))
    rows = [*((address, active) for address, active, _ in addresses), "blocked", *blocked]
    below = Domain.objects.live().filter(owner_id=domain.owner_id, name__endswith=f".{domain.name}")
    return FromDatabase(
        domain=domain.name,
        catch_all=domain.receives_everything,
        deleting=domain.deleting_since is not None,
        ses=_preview(domain, addresses, grace_days),
        blocked_emails=len(blocked),
        email_addresses=len(addresses),
        active_email_addresses=sum(active for _, active, _ in addresses),
        dns_records=domain.dns_records.count(),
        digest=sha256(repr(rows).encode()).hexdigest(),
        sub_domains=tuple(below.order_by("name").values_list("name", flat=True)),
        endpoints=uses_of(domain),
        accesses=_accesses(domain),
    )


def _accesses(domain: Domain) -> tuple[parts.Access, ...]:
    if not domain.share_count:
        return ()
    rows = domain.accesses.order_by("user__username", "user").values_list("user__username", "role")
    return tuple(parts.Access(*row) for row in rows)


def _preview(domain: Domain, addresses: Sequence[AddressRow], grace_days: int) -> Preview:
    """What becomes of rules and identity in the end. With a grace period, the calls are only those that begin it."""
    now = spec_of(domain, addresses)
    preview = Preview.of(now, None)
    if not grace_days or domain.deleting_since is not None:
        return preview
    first = Preview.of(now, spec_in_grace(domain, addresses))
    return replace(preview, calls=first.calls, waiting=first.waiting, seconds=first.seconds)


def _from_outside(domain: Domain, ses: Preview, grace_days: int) -> FromOutside:
    rows = domain.dns_records.order_by("record_type", "name", "value").values_list("record_type", "name", "value")
    records = [stored_record(domain.name, *row) for row in rows]
    return FromOutside(
        ses_problem=ses.configuration_problem(),
        mail_location=str(domain.mail),
        keeps_mail=settings.KEEP_MAIL_ON_DOMAIN_DELETE,
        grace_days=grace_days,
        # Sorted, because a server may give the values of one name in any order.
        dns=tuple(replace(record, found=tuple(sorted(record.found))) for record in leftovers.look_up(records)),
    )


def _amounts(domain: Domain) -> MailAmounts:
    # Reverse accessors of models in the apps above: mail.ReceivedEmail, archives.Export and mail.Message.
    counts = Domain.objects.filter(pk=domain.pk).values_list(
        _count(domain.received_emails.all()), _count(domain.exports.active())
    )
    emails, exports = counts.first() or (0, 0)
    attachments, size = domain.messages.measure()
    return MailAmounts(
        emails=emails, attachments=attachments, bytes=size, stored=domain.mail.measure(), exports=exports
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    """The number of a domain's rows, as a part of a statement."""
    counted = rows.order_by().values("domain_id").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)
