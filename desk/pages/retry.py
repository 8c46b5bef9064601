"""Try again what was chosen in the work list, and say in one line what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.http import HttpRequest

from backoffice.text import plural
from desk.pages.rows import TRIABLE
from desk.state.values import Finding, Kind
from domains.grace.end import retry
from domains.models import DomainDeletion
from ses_integration.admin.actions import update
from ses_integration.api import shared_deadline

OF_SES = (Kind.SES_CHANGE, Kind.UNANSWERED_CALL)
PERMISSIONS = {
    Kind.SES_CHANGE: "ses_integration.change_domainsync",
    Kind.UNANSWERED_CALL: "ses_integration.change_domainsync",
    Kind.DELETION: "domains.change_domaindeletion",
    Kind.STORED_MAIL: "domains.change_domaindeletion",
}
NOTHING = "Nothing was tried: choose lines that can be tried."


def may_try(request: HttpRequest) -> bool:
    return any(request.user.has_perm(permission) for permission in PERMISSIONS.values())


def try_now(request: HttpRequest, findings: Sequence[Finding]) -> str:
    """Try all of it within the time of one request."""
    chosen = [one for one in findings if one.kind in TRIABLE and request.user.has_perm(PERMISSIONS[one.kind])]
    domains = sorted({one.domain for one in chosen if one.kind in OF_SES})
    ids = {one.page[1] for one in chosen if one.page and one.kind not in OF_SES}
    with shared_deadline():
        behind = update(domains) if domains else []
        records = list(DomainDeletion.objects.filter(pk__in=ids, finished_at=None).order_by("started_at"))
        for record in records:
            retry(record)
    reasons = [state.reason for state in behind]
    reasons += [record.problem or "a deletion is not finished" for record in records if record.finished_at is None]
    return summary(len(domains) + len(records), reasons)


def summary(tried: int, reasons: Sequence[str]) -> str:
    """`Tried 6: 4 done, 2 still pending (1: AWS is throttling our calls; 1: S3 denied the call).`"""
    if not tried:
        return NOTHING
    done = f"Tried {plural(tried, 'thing')}: {tried - len(reasons):,} done"
    if not reasons:
        return f"{done}."
    why = "; ".join(f"{number:,}: {reason.rstrip('.')}" for reason, number in Counter(reasons).most_common())
    return f"{done}, {len(reasons):,} still pending ({why})."
