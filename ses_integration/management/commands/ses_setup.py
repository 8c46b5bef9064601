from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ses_integration.aws import account
from ses_integration.cli.base import CommandWithExitCodes, ses_errors_as_command_errors
from ses_integration.conf import SesConfig, mail_source, ses_config
from ses_integration.errors import WrongAccount
from ses_integration.setup.mail import MailPlace
from ses_integration.setup.prepare import prepare


class Command(CommandWithExitCodes):
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

        parser.add_argument(
            "--mail",
            action="store_true",
            help="also create topic, queue and configuration set, which reading and sending mail need, and print the settings "
            "that name them",
        )
        parser.add_argument(
            "--url",
            default="",
            help="with --mail: the topic posts notifications to this URL of ours, and there is no queue (MAIL_SOURCE=sns)",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="print JSON: what was done, and the settings to add; progress goes to stderr",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config, url = ses_config(), options["url"]
        if url and not (options["mail"] and re.fullmatch(r"https?://[^\s/?#@]+/[^\s?#]*", url)):
            raise CommandError("--url goes with --mail, and is a URL such as https://mail.example.net/hooks/sns.")
        done: list[str] = []
        try:
            with ses_errors_as_command_errors():
                place = prepare(
                    config,
                    done.append,
                    take_over=options["take_over"],
                    new_account=options["new_account"],
                    mail=options["mail"],
                    url=url,
                )
        except CommandError as error:
            if not isinstance(error.__cause__, WrongAccount):
                raise
            raise CommandError(
                f"The credentials belong to account {account.of_credentials(config)}, but the ledger describes account "
                f"{account.read_recorded(config)}. Use credentials of the latter. If the installation has moved, run "
                "ses_cleanup with its previous credentials first, and then ses_setup --new-account."
            ) from error
        finally:
            # Also what was done before a failure.
            for sentence in done:
                (self.stderr if options["json"] else self.stdout).write(sentence, style_func=str)
        missing = _missing_settings(config, place) if place else {}
        if options["json"]:
            self.stdout.write(json.dumps({"done": done, "settings": missing}, indent=2))
            return
        if not done:
            self.stdout.write(_nothing_to_do(config, place))
        if missing:
            self.stdout.write("Put this into the environment of web processes and workers:")
            self.stdout.write("\n".join(f"{name}={value}" for name, value in missing.items()))


def _nothing_to_do(config: SesConfig, place: MailPlace | None) -> str:
    rule_set = f"Receipt rule set {config.rule_set} exists and is active"
    return f"{rule_set}{', and reading mail is set up' if place else ''}; nothing to do."


def _missing_settings(config: SesConfig, place: MailPlace) -> dict[str, str]:
    """Variables for the environment, as far as the settings do not say so yet."""
    source = (
        ("SES_QUEUE_URL", place.queue_url, config.queue_url)
        if place.queue_url
        else ("MAIL_SOURCE", "sns", mail_source())
    )
    settings = [
        ("SES_TOPIC_ARN", place.topic_arn, config.topic_arn),
        source,
        ("SES_CONFIGURATION_SET", place.configuration_set, config.configuration_set),
    ]
    return {name: desired for name, desired, current in settings if desired != current}
