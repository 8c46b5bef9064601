from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from backoffice.shell.asking import NOTHING_DONE, agreed
from backoffice.text import listed, moment, visible
from inbound.management.commands.list_api_keys import as_values
from inbound.models import ApiKey, hash_key, revoke_key
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Revoke an API key: it is refused from the next request on, for ever. Shows the key, and asks. "
        "Exit code 0 when it is revoked, or the answer was no, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "key", metavar="KEY", help="its id or its first characters, as list_api_keys shows them, or all of it"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask. Without a terminal it is required")
        parser.add_argument(
            "--json", action="store_true", help="print JSON: the key as list_api_keys has it; the rest goes to stderr"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tell = self.stdout.write if not options["json"] else partial(self.stderr.write, style_func=str)
        key = _key(options["key"].strip())
        self._revoke(key, tell, asks=not options["yes"])
        if options["json"]:
            key.refresh_from_db()
            self.stdout.write(json.dumps(as_values(key), indent=2))

    def _revoke(self, key: ApiKey, tell: Callable[[str], object], *, asks: bool) -> None:
        name = f"{visible(key.name)} ({key.start}…) of {key.owner.get_username()}"
        if key.revoked_at:
            tell(f"{name} was revoked {moment(key.revoked_at)}.")
            return
        used = f"last used {moment(key.last_used_at)}" if key.last_used_at else "never used"
        tell(f"{name}: {', '.join(key.scopes)}; {used}.")
        if asks and not agreed(self, "Revoke it?"):
            tell(NOTHING_DONE)
            return
        revoke_key(key)
        tell("Revoked.")


def _key(text: str) -> ApiKey:
    """The key with this id, this hash or these first characters. Raises CommandError."""
    keys = ApiKey.objects.select_related("owner").order_by("pk")
    if text.isascii() and text.isdigit():
        found = list(keys.filter(pk=text[:9]))
    else:
        found = list(keys.filter(key_hash=hash_key(text)) | keys.filter(start=text.removesuffix("…")))
    if not found:
        # Not the text: it may be a key.
        raise CommandError("There is no such key. list_api_keys --all shows all.")
    if len(found) > 1:
        raise CommandError(f"Several keys begin like this. Give an id: {listed([str(key.pk) for key in found])}.")
    return found[0]
