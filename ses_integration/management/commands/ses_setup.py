from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ses_integration.aws import account, rule_set
from ses_integration.cli.base import ses_errors_as_command_errors
from ses_integration.conf import ses_config
from ses_integration.errors import WrongAccount


class Command(BaseCommand):
    help = (
        "Create and activate the receipt rule set and, with SES_AUTO_SETUP (the emulator), the bucket. Run it once for each "
        "region. Refuses if another rule set is active, unless --take-over is given, and if the credentials belong to a "
        "different account than the recorded one, unless --new-account is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="activate our rule set although another one is active and receives mail",
        )
        parser.add_argument(
            "--new-account",
            action="store_true",
            help="the installation has moved to the account of the credentials: the next sweep creates everything there, and "
            "the previous account is left alone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        with ses_errors_as_command_errors():
            try:
                done = rule_set.prepare(config, take_over=options["take_over"], new_account=options["new_account"])
            except WrongAccount as error:
                raise CommandError(
                    f"The credentials belong to account {account.of_credentials(config)}, but the ledger describes account "
                    f"{account.read_recorded(config)}. Use credentials of the latter. If the installation has moved, run "
                    "ses_cleanup with its previous credentials first, and then ses_setup --new-account."
                ) from error
        for sentence in done or [f"Receipt rule set {config.rule_set} exists and is active; nothing to do."]:
            self.stdout.write(sentence)
