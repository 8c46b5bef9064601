from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from backoffice.tables import table
from backoffice.text import duration, moment
from desk.state import wording
from desk.state.plain import as_values
from desk.state.read import read_state
from desk.state.values import Finding, State
from ses_integration.cli import status_report
from ses_integration.cli.base import CommandWithExitCodes

WATCH_SECONDS = 2.0
CLEAR = "\x1b[H\x1b[2J"
HEAD = ["ABOUT", "STATE", "SINCE", "NEXT TRY", "WHY"]


class Command(CommandWithExitCodes):
    help = (
        "Show everything that waits or is wrong, who must act, and why: workers, changes for SES, deletions, received mail and its "
        "endpoints, foreign rules, and how much of SES's quotas is used. Reads the database, and asks AWS only for the length of "
        "the queue. Exit code 0 when everything is up to date, 2 when something is pending or needs you."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="also show the domains that are up to date, and those that are gone"
        )
        parser.add_argument("--json", action="store_true", help="print JSON; with --watch, an object on each line")
        parser.add_argument(
            "--watch",
            action="store_true",
            help="show it again every two seconds, until Ctrl-C; without the queue's length",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        state = self._show(options)
        try:
            while options["watch"]:
                time.sleep(WATCH_SECONDS)
                state = self._show(options)
        except KeyboardInterrupt:
            self.stdout.write("")
        if not state.is_settled:
            raise SystemExit(2)

    def _show(self, options: dict[str, Any]) -> State:
        state = read_state()
        if options["json"]:
            self.stdout.write(json.dumps(as_values(state), indent=None if options["watch"] else 2))
            return state
        lines = [*status_report.summary(), *status_report.mail(asks_queue=not options["watch"]), *wording.facts(state)]
        rows = [_row(finding, state) for finding in state.findings]
        if options["all"]:
            rows += [[domain, label, "", "", ""] for domain, label in status_report.up_to_date()]
        # In one piece, so that a terminal does not flicker.
        self.stdout.write(
            "".join(
                [
                    CLEAR if options["watch"] and self.stdout.isatty() else "",
                    "\n".join(lines),
                    f"\n{table(HEAD, rows)}" if rows else "",
                    *(f"\n{line}" for line in wording.more(state)),
                    f"\n{wording.conclusion(state)}",
                ]
            )
        )
        return state


def _row(finding: Finding, state: State) -> list[str]:
    due = finding.next_try
    next_try = "" if due is None and not finding.tries else moment(due) if due and due > state.at else "now"
    since = f"{duration(state.at - finding.since)} ago" if finding.since else ""
    why = " ".join(filter(None, [finding.why, finding.act]))
    return [finding.subject, f"{finding.level.label}: {finding.what}", since, next_try, why]
