from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import partial
from typing import Any

from domains.management.deletions import DELETION_HELP, deletion_of, is_done, reports, retry, state_of
from domains.models import DomainDeletion
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Retry unfinished deletions now, without waiting for their next try. Exit code 0 when all of them are finished, or can be "
        "restored, 2 when something is still pending, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "deletion", metavar="DELETION", nargs="*", help=f"{DELETION_HELP}; default: all unfinished ones"
        )
        parser.add_argument(
            "--json", action="store_true", help="print JSON: the reports as the API has them; progress goes to stderr"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        deletions = [deletion_of(text) for text in options["deletion"]]
        deletions = deletions or list(DomainDeletion.objects.to_continue().order_by("started_at", "name"))
        tell = self.stdout.write if not options["json"] else partial(self.stderr.write, style_func=str)
        if not deletions:
            tell("No deletion is pending.")
        for deletion in deletions:
            if deletion.in_grace and not DomainDeletion.objects.over().filter(pk=deletion.pk).exists():
                tell(
                    f"deletion of {deletion.name} ({deletion.pk}): {state_of(deletion)}. grace_period --end ends that."
                )
            elif deletion.finished_at is None:
                retry(deletion, tell)
            else:
                tell(f"deletion of {deletion.name} ({deletion.pk}): finished before.")
        if options["json"]:
            self.stdout.write(json.dumps({"deletions": reports(deletions)}, indent=2))
        if not all(map(is_done, deletions)):
            raise SystemExit(2)
