from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from backoffice.tables import table
from backoffice.text import moment
from domains.deletion import proof, report
from domains.deletion.record import warning
from domains.deletion.report import Dns, StepReport
from domains.dns.leftovers import State
from domains.management.deletions import DELETION_HELP, deletion_of, is_done, state_of
from domains.models import DomainDeletion, Step
from ses_integration.api import SyncState
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Show the report of a deletion: each step, the verification of absence, and which DNS records are still published. "
        "Asks DNS, but not SES. Exit code 0 when all steps are done, or the domain can be restored, 2 when something is pending, 1 "
        "on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deletion", metavar="DELETION", help=DELETION_HELP)
        parser.add_argument("--json", action="store_true", help="print the API's answer")

    def handle(self, *args: Any, **options: Any) -> None:
        deletion = deletion_of(options["deletion"])
        pending = Step.PENDING in (deletion.rules, deletion.identity)
        state = SyncState.by_domain([deletion.name]).get(deletion.name) if pending else None
        dns = report.dns_of(deletion)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_values(deletion, state, dns), indent=2))
        else:
            self.stdout.write("\n\n".join(_text(deletion, state, dns)))
        if not is_done(deletion):
            raise SystemExit(2)


def _text(deletion: DomainDeletion, state: SyncState | None, dns: Dns) -> list[str]:
    by = f" by {deletion.requested_by}" if deletion.requested_by else ""
    steps = [_row(step) for step in report.steps_of(deletion, state)]
    published = [f"- {it.type} {it.name}: {'; '.join(it.found)}" for it in dns.records if it.state is State.PUBLISHED]
    unknown = [f"- {it.type} {it.name}: {it.why}" for it in dns.records if it.state is State.UNKNOWN]
    return [
        f"Deletion of {deletion.name} ({deletion.pk}), begun {moment(deletion.started_at)}{by}: {state_of(deletion)}.",
        table(["STEP", "STATE", "TIME", "TRIES", "COUNTS", "WHY"], steps),
        *filter(None, [warning(deletion)]),
        f"Verification of absence: {proof.describe(deletion)}",
        *(["\n".join(["Still published in DNS; remove it there:", *published])] if published else []),
        *(["\n".join(["Not looked up in DNS:", *unknown])] if unknown else []),
    ]


def _row(step: StepReport) -> list[str]:
    counts = ", ".join(f"{number:,} {name}" for name, number in step.counts.items() if number)
    time = moment(step.at) if step.at else f"next try {moment(step.next_try)}" if step.next_try else ""
    label = Step(step.outcome).label
    return [
        DomainDeletion.labels([step.name]),
        label.partition(":")[0].lower(),
        time,
        str(step.attempts),
        counts,
        step.problem,
    ]
