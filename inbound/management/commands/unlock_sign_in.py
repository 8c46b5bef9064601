from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from backoffice.text import visible
from inbound.people import sign_in
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = "Let a user sign in to the admin again after too many wrong passwords."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="the name as it was typed, whether or not it exists")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"]
        pairs = sign_in.unlock(sign_in.counted().filter(username=name))
        if options["json"]:
            unlocked = [{"username": username, "address": address} for username, address in pairs]
            self.stdout.write(json.dumps({"unlocked": unlocked}, indent=2))
            return
        for _, address in pairs:
            self.stdout.write(f"Unlocked {visible(name)} from {address}.")
        if not pairs:
            self.stdout.write(f"Nothing was locked for {visible(name)}.")
