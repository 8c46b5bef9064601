from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from audit.actions import Action
from audit.record import record_names
from backoffice.shell.output import count
from backoffice.text import plural
from rest.names.arguments import domain_name
from ses_integration.cli.base import (
    SECONDS_PER_DOMAIN,
    CommandWithExitCodes,
    Outcome,
    reconcile_one,
    refuse_unknown,
)
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync
from ses_integration.reconcile import outbox
from ses_integration.reconcile.queue import retry_now
from ses_integration.status.sync_state import SyncState


class Command(CommandWithExitCodes):
    help = (
        "Apply the pending changes of the named domains, or all, to SES now, without waiting for the next retry. "
        "Exit code 0 when SES has confirmed all of them, 2 when something is still pending."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "domain",
            metavar="DOMAIN",
            nargs="*",
            type=domain_name,
            help="a domain's name; default: every domain with pending changes",
        )
        parser.add_argument("--json", action="store_true", help="print JSON; progress goes to stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        names = list(dict.fromkeys(options["domain"]))
        if names:
            refuse_unknown(ses_config(), names)
            _mark_unmarked(names)
        names = names or list(SyncState.pending_names())
        outcomes = self._try(names, tell=not options["json"])
        left = SyncState.pending_names(names).count() if names else 0
        if options["json"]:
            told = {"domains": {name: outcome.wire for name, outcome in outcomes.items()}, "pending": left}
            self.stdout.write(json.dumps(told, indent=2))
        elif not names:
            self.stdout.write("Nothing is pending.")
        elif left:
            self.stdout.write(f"{left} still pending. ses_status says why, and when it is tried again.")
        if left:
            raise SystemExit(2)

    def _try(self, names: Sequence[str], *, tell: bool) -> dict[str, Outcome]:
        if len(names) > 1:
            self.stderr.write(
                f"Trying {plural(len(names), 'domain')}, each for up to {SECONDS_PER_DOMAIN:.0f} seconds.",
                style_func=str,
            )
        outcomes: dict[str, Outcome] = {}
        for number, name in enumerate(names, 1):
            count(self.stderr, f"Waiting for SES: {name}", number, len(names))
            retry_now(name)
            record_names(Action.PUSHED, DomainSync._meta.label_lower, [name])
            outcomes[name] = reconcile_one(name)
            if tell:
                self.stdout.write(f"{name}: {outcomes[name]}")
                # Through a pipe, too, each line comes when it is known.
                self.stdout.flush()
        return outcomes


def _mark_unmarked(names: Sequence[str]) -> None:
    """Mark domains that were never marked here, such as rows of a restored database."""
    marked = DomainSync.objects.of(ses_config()).filter(domain__in=names).values_list("domain", flat=True)
    if unmarked := set(names).difference(marked):
        with outbox.changing():
            for name in sorted(unmarked):
                outbox.mark_dirty(name)
