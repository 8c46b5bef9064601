from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ses_integration.cli.base import CommandWithExitCodes, reconcile_one
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync
from ses_integration.reconcile.queue import retry_now
from ses_integration.status.sync_state import SyncState


class Command(CommandWithExitCodes):
    help = (
        "Apply the pending changes of the named domains, or all, to SES now, without waiting for the next retry. "
        "Exit code 0 when SES has confirmed all of them, 2 when something is still pending."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "domain", metavar="DOMAIN", nargs="*", help="a domain's name; default: every domain with pending changes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        syncs = DomainSync.objects.of(ses_config())
        names: list[str] = [name.lower() for name in options["domain"]]
        if unknown := sorted(set(names) - set(syncs.filter(domain__in=names).values_list("domain", flat=True))):
            raise CommandError(f"No such domain, now or in the past: {', '.join(unknown)}.")
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
