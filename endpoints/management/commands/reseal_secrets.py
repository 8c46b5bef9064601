from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from backoffice.text import listed, plural
from endpoints.changes import signing_secrets
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Seal the signing secrets of all webhooks with today's SECRET_KEY. Afterwards SECRET_KEY_FALLBACKS is not needed for "
        "them. May run at any time, and again. Exit code 0 when all are sealed, 1 when some cannot be read."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = signing_secrets.reseal_all()
        self.stdout.write(f"Sealed: {plural(done, 'webhook')}.")
        if unreadable:
            raise CommandError(
                f"Not readable with SECRET_KEY and SECRET_KEY_FALLBACKS: {listed(unreadable)}. Put the key with which they were "
                "sealed into SECRET_KEY_FALLBACKS and run this again, or rotate the secrets of these endpoints."
            )
