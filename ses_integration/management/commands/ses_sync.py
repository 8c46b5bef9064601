from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from rest.names.arguments import domain_name
from ses_integration.cli.base import CommandWithExitCodes, reconcile_one, refuse_unknown
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

    def handle(self, *args: Any, **options: Any) -> None:
        names = list(dict.fromkeys(options["domain"]))
        if names:
            refuse_unknown(ses_config(), names)
            _mark_unmarked(names)
        names = names or list(SyncState.pending_names())
        if not names:
            self.stdout.write("Nothing is pending.")
            return
        for name in names:
            retry_now(name)
            self.stdout.write(f"{name}: {reconcile_one(name)}")
        if left := SyncState.pending_names(names).count():
            self.stdout.write(f"{left} still pending. The worker retries by itself; ses_status says when.")
            raise SystemExit(2)


def _mark_unmarked(names: Sequence[str]) -> None:
    """Mark domains that were never marked here, such as rows of a restored database."""
    marked = DomainSync.objects.of(ses_config()).filter(domain__in=names).values_list("domain", flat=True)
    if unmarked := set(names).difference(marked):
        with outbox.changing():
            for name in sorted(unmarked):
                outbox.mark_dirty(name)
