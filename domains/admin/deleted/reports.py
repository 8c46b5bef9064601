"""What the pages of deletions show: the steps of one report, and a table of several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from backoffice.text import ago, moment, plural, size
from domains.deletion import proof, report
from domains.deletion.record import warning
from domains.deletion.report import StepReport
from domains.deletion_plan.model import row_counts
from domains.dns.leftovers import State
from domains.models import DomainDeletion, Step
from ses_integration.api import SyncState
from workers.alive import is_alive
from workers.models import WorkerKind
from workers.wording import left_to

NO_WORKER = "No ses_worker is running, so nothing finishes this and nothing verifies it. Start one."
# A page that changes by itself asks again after so many seconds, first until all is done, then until it is verified.
UNFINISHED_SECONDS, UNVERIFIED_SECONDS = 3, 5


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A line of the table: `state` is a word for the style sheet."""

    name: str
    state: str
    outcome: str
    at: str
    what: str
    tries: int
    why: str
    next_try: str


def live_seconds(rows: Sequence[DomainDeletion]) -> int:
    """After how many seconds the page looks again; 0 if nothing changes any more."""
    under_way = [row for row in rows if row.restored_at is None and not (row.in_grace and row.rules != Step.PENDING)]
    if any(row.finished_at is None for row in under_way):
        return UNFINISHED_SECONDS
    return UNVERIFIED_SECONDS if any(row.proved_at is None for row in under_way) else 0


def context_of(row: DomainDeletion, *, with_dns: bool) -> dict[str, Any]:
    """What the page of a report shows. `with_dns` asks DNS, which may take DNS_TIMEOUT_SECONDS."""
    in_ses = Step.PENDING in (row.rules, row.identity)
    ses = SyncState.by_domain([row.name])[row.name] if in_ses else None
    dns = report.dns_of(row) if with_dns else None
    now = timezone.now()
    return {
        "began": ago(row.started_at, now),
        "by": row.requested_by or "somebody who is not known",
        "state": state_of(row),
        "steps": [_shown(step, row) for step in report.steps_of(row, ses)],
        "owed": warning(row) or "",
        "verified": ago(row.proved_at, now) if row.proved_at else "",
        "verification": proof.describe(row),
        "look_again": looks_again(row),
        "dns": dns,
        "published": [record for record in dns.records if record.state is State.PUBLISHED] if dns else [],
        "unknown": [record for record in dns.records if record.state is State.UNKNOWN] if dns else [],
        "as_json": json.dumps(report.as_values(row, ses, dns), indent=2, ensure_ascii=False),
        "live": live_seconds([row]),
        "nobody": nobody([row]),
    }


def nobody(rows: Sequence[DomainDeletion]) -> str:
    """A sentence if something is to be done and no worker does it."""
    return NO_WORKER if live_seconds(rows) and not is_alive(WorkerKind.SES) else ""


def state_of(row: DomainDeletion) -> str:
    """The state of a deletion, for people, without a full stop."""
    if row.restored_at is not None:
        return f"Restored at {moment(row.restored_at)} by {row.restored_by or 'somebody who is not known'}"
    if row.in_grace and row.restorable_until is not None:
        return f"Receives nothing, and can be restored until {moment(row.restorable_until)}"
    if row.finished_at is None:
        return f"Pending: {row.labels(row.pending_steps)}"
    return "Finished and verified" if row.proved_at else "Finished, to be verified"


def looks_again(row: DomainDeletion) -> str:
    if row.look_again_at is None:
        return ""
    promise = f"The worker looks again at {moment(row.look_again_at)}, because SES may store mail late."
    return left_to(WorkerKind.SES, promise)


def _shown(step: StepReport, row: DomainDeletion) -> ShownStep:
    pending = step.outcome == Step.PENDING
    next_try = moment(step.next_try) if step.next_try else "now"
    if row.in_grace and step.name != "rules":
        next_try = "after the grace period"
    return ShownStep(
        name=DomainDeletion.labels([step.name]).capitalize(),
        state=step.outcome,
        outcome="Undone" if row.restored_at else str(Step(step.outcome).label),
        at=moment(step.at) if step.at and row.restored_at is None else "",
        what="" if row.restored_at or (row.in_grace and step.name != "rules") else _amounts(step),
        tries=step.attempts,
        why=step.problem or step.location,
        next_try=next_try if pending else "",
    )


def _amounts(step: StepReport) -> str:
    """What the step has removed so far, in words."""
    counts = step.counts
    match step.name:
        case "rules":
            return plural(counts["rules"], "rule")
        case "rows":
            return row_counts(counts["blockedEmails"], counts["emailAddresses"], counts["dnsRecords"])
        case "received_emails":
            return f"{plural(counts['emails'], 'mail')}, {plural(counts['attachments'], 'attachment')}, {size(counts['bytes'])}"
        case "stored_mail":
            kept = f", {counts['keptByStorage']:,} kept by S3" if counts["keptByStorage"] else ""
            late = f", {counts['cameLate']:,} came late" if counts["cameLate"] else ""
            exports = f", {plural(counts['exports'], 'export')}" if "exports" in counts else ""
            return f"{plural(counts['versions'], 'version')}, {size(counts['bytes'])}{late}{kept}{exports}"
        case _:
            return ""


def together(rows: Sequence[DomainDeletion]) -> dict[str, Any]:
    """What the page of several deletions shows."""
    finished = sum(row.finished_at is not None for row in rows)
    verified = sum(row.proved_at is not None for row in rows)
    pending = len(rows) - finished
    titles = {step: DomainDeletion.labels([step]).capitalize() for step in DomainDeletion.STEPS}
    return {
        "headline": f"{plural(len(rows), 'domain')}: {finished:,} finished, {pending:,} pending, {verified:,} verified",
        "titles": titles.values(),
        "rows": [
            (row, [(title, getattr(row, step), Step(getattr(row, step)).label) for step, title in titles.items()])
            for row in rows
        ],
        "live": live_seconds(rows),
        "nobody": nobody(rows),
    }
