from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from audit.origin import current
from domains.api.deletion_serializers import RestoredSerializer
from domains.grace.period import NotInGrace
from domains.grace.restore import restore
from domains.management.deletions import DELETION_HELP, deletion_of
from ses_integration.api import QuotaExceeded, shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Restore a deleted domain in its grace period, with everything that it had. Exit code 0 when SES has confirmed it, 2 when "
        "the domain is restored and SES has not confirmed it, or an endpoint is gone, 1 on an error, for example when the period "
        "has ended."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deletion", metavar="NAME", help=DELETION_HELP)
        parser.add_argument("--json", action="store_true", help="print the API's answer")

    def handle(self, *args: Any, **options: Any) -> None:
        deletion, origin = deletion_of(options["deletion"]), current()
        try:
            with shared_deadline(SECONDS_PER_DOMAIN):
                restored = restore(deletion, restored_by=origin.who if origin else "")
        except (NotInGrace, QuotaExceeded) as error:
            raise CommandError(error.sentence) from error
        if options["json"]:
            self.stdout.write(json.dumps(RestoredSerializer(restored).data, indent=2))
        else:
            self.stdout.write(f"{deletion.name} is restored{'' if restored.lost else ' with everything that it had'}.")
            if restored.lost:
                self.stdout.write(restored.lost)
            self.stdout.write(restored.unconfirmed or "SES has confirmed it.")
        if restored.warning:
            raise SystemExit(2)
