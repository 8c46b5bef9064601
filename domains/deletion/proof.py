"""Verification of absence: look at SES, S3 and the rows of mail after the last step, and again once SES can store none late.

A step whose resource is still there becomes pending again, and the resource is then removed as usual. Foreign resources are
only reported.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.actions import Action
from domains.deletion.received import rows_left
from domains.deletion.record import due, record_progress, updating
from domains.models import Domain, DomainDeletion, Step
from rest.fields import timestamp
from ses_integration.api import AbsenceCheck, SyncState, retry_delay

# The most deletions that one observation of SES serves; the next one serves the others.
AT_ONCE = 500
CLAIM = timedelta(seconds=60)

ADDED_AGAIN = (
    "The domain was added again. Its identity and current rules belong to the new domain; only rules of the deleted one were "
    "checked."
)


def prove_deletions(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Verify every finished deletion that is not verified yet or is due for its second verification, and return how many.

    A task of the worker. One observation of SES serves all of them (see `AbsenceCheck`), and each needs one list call to S3.
    Ends after about `seconds`. Raises SesError when SES cannot be asked.
    """
    until = time.monotonic() + seconds
    records = _claim()
    if not records:
        return 0
    check = AbsenceCheck({record.name for record in records})
    for number, record in enumerate(records):
        if stop() or time.monotonic() >= until:
            DomainDeletion.objects.filter(pk__in=[later.pk for later in records[number:]]).update(retry_at=None)
            return number
        # If SES was about to change for a later domain of the same name, the deletion waits a minute.
        if record.name not in check.changing:
            _verify(record, check)
    return len(records)


def _claim() -> list[DomainDeletion]:
    """Claim deletions for a minute. Leaves out those of another region or rule set, which cannot be verified from here."""
    waiting = Q(proved_at=None) | Q(look_again_at__lte=Now())
    here = Q(region="") | Q(region=settings.AWS_REGION, rule_set=settings.SES_RULE_SET)
    with transaction.atomic():
        records = list(
            DomainDeletion.objects.for_good()
            .filter(waiting, here, due(), finished_at__isnull=False)
            .exclude(name__in=SyncState.pending_names().order_by())
            .select_for_update(skip_locked=True)
            .order_by(F("retry_at").asc(nulls_first=True), "finished_at", "name")[:AT_ONCE]
        )
        pks = [record.pk for record in records]
        DomainDeletion.objects.filter(pk__in=pks).update(retry_at=Now() + CLAIM)
    return records


def _verify(record: DomainDeletion, check: AbsenceCheck) -> None:
    added_again = Domain.objects.filter(name=record.name).exists()
    remains = check.remains_of(
        record.name,
        record.mail,
        rule_names=record.rule_names,
        identity_deleted=record.identity == Step.DONE,
        mail_erased=record.stored_mail == Step.DONE,
        added_again=added_again,
    )
    found = {
        "rules": remains.rules,
        "identity": remains.identity,
        "received_emails": rows_left(record),
        "stored_mail": remains.stored_mail,
    }
    finished_at = record.finished_at
    with updating(record) as row:
        if row.finished_at != finished_at:
            return  # another worker has found something since, so this observation is older than the repair
        row.proof = {
            "lookedAt": timestamp(check.observed_at),
            "receiptRules": True,
            "identity": not added_again and row.identity == Step.DONE,
            "receivedEmails": True,
            "storedMail": row.stored_mail == Step.DONE and not remains.problem,
            "found": [name for names in found.values() for name in names],
            "foreignRules": list(remains.foreign_rules),
            "problem": remains.problem or (ADDED_AGAIN if added_again else ""),
        }
        row.retry_at = None
        if row.proof["found"]:
            row.proved_at = row.finished_at = None
            row.attempts = 0
            for step in filter(found.get, found):
                setattr(row, step, Step.PENDING)
        elif remains.problem:
            # Clears the result of an earlier verification, too: the last one is shown, and it is repeated.
            row.proved_at = None
            row.retry_at = row.now + retry_delay(1, needs_attention=True)
        else:
            if row.proved_at is None:
                record_progress(row, Action.PROVED)
            row.proved_at = check.observed_at
            if row.look_again_at is not None and row.look_again_at <= check.observed_at:
                row.look_again_at = None


# The `proof` of a deletion that has not been verified yet.
UNVERIFIED: dict[str, Any] = {
    "lookedAt": None,
    "receiptRules": False,
    "identity": False,
    "receivedEmails": False,
    "storedMail": False,
    "found": [],
    "foreignRules": [],
    "problem": "",
}


def scope_problem(row: DomainDeletion) -> str:
    """Why a due verification is impossible: AWS_REGION or SES_RULE_SET has changed. Empty if none is due, or if it is possible."""
    again = row.look_again_at is not None and row.look_again_at <= timezone.now()
    if row.finished_at is None or row.restored_at or not (row.proved_at is None or again):
        return ""
    if row.region == "" or (row.region, row.rule_set) == (settings.AWS_REGION, settings.SES_RULE_SET):
        return ""
    return (
        f"Its mail was received through rule set {row.rule_set} in {row.region}, which is no longer configured, so the deletion "
        f"cannot be verified. Run ses_cleanup with SES_RULE_SET={row.rule_set} AWS_REGION={row.region}, or restore those "
        "settings."
    )


def problem_of(row: DomainDeletion) -> str:
    """Why the last verification failed, or why none is possible, as a sentence. Empty if none has failed."""
    return scope_problem(row) or str(row.proof.get("problem", ""))


def describe(row: DomainDeletion) -> str:
    """The result of the last verification, for people."""
    elsewhere = scope_problem(row)
    if row.restored_at is not None:
        return "nothing to verify, because the domain was restored"
    if not row.proof:
        why = "a change for this name is pending in SES" if SyncState.pending_names([row.name]) else ""
        return ": ".join(filter(None, ["not verified yet", elsewhere or why]))
    found, foreign = row.proof["found"], row.proof["foreignRules"]
    return "; ".join(
        [
            f"still there, and pending again: {', '.join(found)}" if found else "nothing of ours was found",
            *([f"rules of others receive mail for {row.name}: {', '.join(foreign)}"] if foreign else []),
            *filter(None, [row.proof["problem"], elsewhere]),
        ]
    )
