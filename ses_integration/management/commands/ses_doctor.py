from __future__ import annotations

import json
import textwrap
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError

from backoffice.tables import table
from backoffice.text import plural
from ses_integration.cli.base import CommandWithExitCodes
from ses_integration.conf import ses_config
from ses_integration.doctor.diagnosis import diagnose, expected_seconds
from ses_integration.doctor.results import CheckResult, Outcome, count_outcomes

WIDTH = 100
STOPPED = "Stopped. If the probe rule is left behind, the next run removes it."
INTERRUPTED = 130  # the exit code of manage.py after Ctrl-C


class Command(CommandWithExitCodes):
    help = (
        "Check that this installation can do its work on AWS, and say what to fix: region, endpoints, credentials, clocks, "
        "every permission, rule set, bucket, topic and function. It writes only a disabled receipt rule without real "
        "recipients and a test object, and removes both. Exit code 0 when no check failed, 1 when one did."
    )
    # The report includes them.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-probe",
            action="store_true",
            help="write nothing, not even for a moment, and do not check whether SES reaches bucket, topic and function",
        )
        parser.add_argument("--json", action="store_true", help="print the results as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        config, probe = ses_config(), not options["no_probe"]
        if not options["json"]:
            seconds = plural(expected_seconds(config, probe=probe), "second")
            self.stdout.write(f"This takes about {seconds} …")
            self.stdout.flush()
        try:
            results = diagnose(config, probe=probe)
        except KeyboardInterrupt:
            raise CommandError(STOPPED, returncode=INTERRUPTED) from None
        self.stdout.write(_as_json(results) if options["json"] else _as_text(results))
        if count_outcomes(results)[Outcome.FAILED]:
            raise SystemExit(1)


def _as_json(results: Sequence[CheckResult]) -> str:
    return json.dumps(
        {
            "ok": not count_outcomes(results)[Outcome.FAILED],
            "counts": count_outcomes(results),
            "checks": [
                {"check": result.check, "outcome": result.outcome, "seen": result.seen, "do": result.do}
                for result in results
            ],
        },
        indent=2,
    )


def _as_text(results: Sequence[CheckResult]) -> str:
    rows = [
        [
            result.outcome.upper() if result.outcome is Outcome.FAILED else result.outcome,
            result.check,
            _seen_and_do(result),
        ]
        for result in results
    ]
    counts = ", ".join(
        plural(count, outcome) if outcome == Outcome.WARNING else f"{count} {outcome}"
        for outcome, count in count_outcomes(results).items()
        if count
    )
    return f"{table(['RESULT', 'CHECK', 'SEEN'], rows)}\n{len(results)} checks: {counts}."


def _seen_and_do(result: CheckResult) -> str:
    """What was seen, and below it what to do. Skipped checks fit on one line."""
    if result.outcome is Outcome.SKIPPED:
        return f"{result.seen} {result.do}"
    return "\n".join([*_wrapped(result.seen), *_wrapped(f"→ {result.do}" if result.do else "")])


def _wrapped(sentence: str) -> list[str]:
    # A broken ARN could not be copied.
    return textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
