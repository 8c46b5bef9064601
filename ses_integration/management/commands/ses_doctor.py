from __future__ import annotations

import json
import textwrap
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ses_integration.cli.tables import table
from ses_integration.conf import ses_config
from ses_integration.doctor.examination import examine, expected_seconds
from ses_integration.doctor.findings import Finding, Outcome, counted

WIDTH = 100
STOPPED = "Stopped. If the probe rule is left, the next run removes it first."
INTERRUPTED = 130  # as from manage.py for every other command


class Command(BaseCommand):
    help = (
        "Prove that this installation can do its work on AWS: region, endpoints, credentials, clocks, every permission, rule set, "
        "bucket, topic and function; and say what to mend. It changes nothing but a disabled receipt rule for nobody "
        "and its test object, which it takes away again. Exit code 0 when nothing failed, 1 when something did."
    )
    # They are a line of the report.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-probe",
            action="store_true",
            help="write nothing, not even for a moment; whether SES reaches bucket, topic and function is not proven then",
        )
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        config, probe = ses_config(), not options["no_probe"]
        if not options["json"]:
            seconds = expected_seconds(config, probe=probe)
            self.stdout.write(f"This takes about {seconds} second{'' if seconds == 1 else 's'} …")
            self.stdout.flush()
        try:
            findings = examine(config, probe=probe)
        except KeyboardInterrupt:
            raise CommandError(STOPPED, returncode=INTERRUPTED) from None
        self.stdout.write(_as_json(findings) if options["json"] else _as_text(findings))
        if counted(findings)[Outcome.FAILED]:
            raise SystemExit(1)


def _as_json(findings: Sequence[Finding]) -> str:
    return json.dumps(
        {
            "ok": not counted(findings)[Outcome.FAILED],
            "counts": counted(findings),
            "checks": [
                {"check": finding.check, "outcome": finding.outcome, "seen": finding.seen, "do": finding.do}
                for finding in findings
            ],
        },
        indent=2,
    )


def _as_text(findings: Sequence[Finding]) -> str:
    rows = [
        [
            finding.outcome.upper() if finding.outcome is Outcome.FAILED else finding.outcome,
            finding.check,
            _told(finding),
        ]
        for finding in findings
    ]
    counts = ", ".join(
        f"{count} {outcome}{'s' if outcome == Outcome.WARNING and count > 1 else ''}"
        for outcome, count in counted(findings).items()
        if count
    )
    return f"{table(['RESULT', 'CHECK', 'SEEN'], rows)}\n{len(findings)} checks: {counts}."


def _told(finding: Finding) -> str:
    """What was seen, and below it what to do; what was left out fits on one line."""
    if finding.outcome is Outcome.SKIPPED:
        return f"{finding.seen} {finding.do}"
    return "\n".join([*_wrapped(finding.seen), *_wrapped(f"→ {finding.do}" if finding.do else "")])


def _wrapped(sentence: str) -> list[str]:
    # An ARN that is cut cannot be copied.
    return textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
