from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ses_integration import setup
from ses_integration.commands import ses_errors_as_command_errors
from ses_integration.config import ses_config


class Command(BaseCommand):
    help = (
        "Make the receipt rule set and activate it; with SES_AUTO_SETUP (the emulator) make the bucket as well. "
        "Refuses while another rule set is active, unless --take-over is given. Run it once for each region."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--take-over", action="store_true", help="activate our rule set although another one receives mail now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        with ses_errors_as_command_errors():
            done = setup.prepare(config, take_over=options["take_over"])
        for sentence in done or [f"Receipt rule set {config.rule_set} was there and active; nothing to do."]:
            self.stdout.write(sentence)
