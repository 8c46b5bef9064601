from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ses_integration.cli.base import CommandWithExitCodes, outcome
from ses_integration.conf import ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.models import DomainSync
from ses_integration.reconcile.loop import reconcile
from ses_integration.status import sync_state

SECONDS_PER_DOMAIN = 30.0


class Command(CommandWithExitCodes):
    help = (
        "Try now what SES is owed, without waiting for the next turn: for the named domains, or for all that are owed. "
        "Exit code 0 when SES has confirmed all of it, 2 when something is still owed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "domain", metavar="DOMAIN", nargs="*", help="a domain's name; default: every domain that is owed something"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        syncs = DomainSync.objects.of(ses_config())
        names: list[str] = [name.lower() for name in options["domain"]]
        if unknown := sorted(set(names) - set(syncs.filter(domain__in=names).values_list("domain", flat=True))):
            raise CommandError(f"SES was never asked for anything for {', '.join(unknown)}.")
        names = names or list(sync_state.pending_domains().values_list("domain", flat=True))
        if not names:
            self.stdout.write("SES is owed nothing.")
            return
        for name in names:
            # Who tries by hand has a reason to hope: what failed before must not make the worker wait for longer now.
            syncs.filter(domain=name).update(retry_at=None, attempts=0)
            with shared_deadline(SECONDS_PER_DOMAIN):
                reconcile(name)
            self.stdout.write(f"{name}: {outcome(name)}")
        if left := sync_state.pending_domains().filter(domain__in=names).count():
            self.stdout.write(f"{left} owed. The worker goes on by itself; ses_status says when.")
            raise SystemExit(2)
