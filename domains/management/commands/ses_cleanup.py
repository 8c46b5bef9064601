from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from backoffice.shell.asking import NOTHING_DONE
from backoffice.shell.output import count
from backoffice.text import plural
from domains.cleanup import find, render
from domains.cleanup.find import Findings, Folder
from domains.deletion.received import erase_unreported
from domains.management.deletions import retry
from rest.names.arguments import domain_name
from ses_integration.api import SesError
from ses_integration.cli.base import (
    CommandWithExitCodes,
    add_confirmation,
    confirmed,
    reconcile_each,
    ses_errors_as_command_errors,
)
from ses_integration.cli.leftovers import LeftoverSearch, PreviousScope


class Command(CommandWithExitCodes):
    help = (
        "List what should be gone and is not: our rules and identities that are in no ledger, mail without a domain, "
        "what another AWS_REGION or SES_RULE_SET left behind, and everything that is pending. Reads the tag of every "
        "identity in the account that is in no ledger, about one a second. Changes nothing unless --apply is given, and then "
        "asks first. Exit code 0 when nothing is left over or pending, 2 when something is (after --apply: still is), 1 on an "
        "error, or when SES or the bucket could not be looked at."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--apply",
            action="store_true",
            help="remove orphans and erase stored mail of domains recorded here, forget what is gone in other regions, and retry "
            "unfinished deletions now",
        )
        parser.add_argument(
            "--domain",
            metavar="NAME",
            type=domain_name,
            help="search for this domain only; with --apply, also remove what is not recorded here",
        )
        parser.add_argument(
            "--forget-former",
            action="store_true",
            help="with --apply: forget what other regions and rule sets hold without asking SES there, because their AWS "
            "account is closed, or was cleaned up by hand",
        )
        add_confirmation(parser)
        parser.add_argument("--json", action="store_true", help="print JSON; progress goes to stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        self.tell = self.stdout.write if not options["json"] else partial(self.stderr.write, style_func=str)
        search = LeftoverSearch(options["domain"] or "", self._count)
        found = self._look(search, show=not options["json"] or options["apply"])
        if search.domain and not found.known:
            raise CommandError(f"Neither this installation nor SES nor the bucket knows of {search.domain}.")
        if options["apply"] and found.to_apply:
            if not confirmed(self, options, find.removals(search, found.aws)):
                self.tell(NOTHING_DONE)
                raise SystemExit(2)
            self.tell("\n")
            with ses_errors_as_command_errors():
                self._apply(search, found, forget_former=options["forget_former"])
            found = self._look(search, show=not options["json"])
        if options["json"]:
            self.stdout.write(json.dumps(render.as_values(found), indent=2))
        if found.aws.left.not_looked_at:
            raise SystemExit(1)
        if not found.nothing_left:
            raise SystemExit(2)

    def _look(self, search: LeftoverSearch, *, show: bool) -> Findings:
        """Search, and show what the database says before AWS is asked."""
        database = find.in_database(search)
        first = render.database_report(database)
        if show and first:
            self.tell(first)
        found = Findings(database, find.in_aws(search))
        if show:
            rest = "\n\n".join(filter(None, [render.aws_report(found.aws), render.conclusion(found)]))
            self.tell(f"\n{rest}" if first else rest)
        return found

    def _apply(self, search: LeftoverSearch, found: Findings, *, forget_former: bool) -> None:
        adopted = search.adopt([orphan.found for orphan in found.aws.orphans if orphan.removable])
        reconcile_each(adopted, self.tell)
        folders = {folder.prefix: folder for folder in found.aws.folders if folder.removable}
        for prefix in search.without_rule(list(folders)):
            self._erase(folders[prefix])
        for mail in found.database.lost_mail:
            for erased in erase_unreported(mail.domain_id):
                self.tell(
                    f"{mail.domain} ({mail.domain_id}): {plural(erased, 'received email')} erased from the database"
                )
        for record in found.database.deletions:
            retry(record, self.tell)
        for scope in found.database.recorded.previous_scopes:
            self._forget(search, scope, ask_ses=not forget_former)
        self.tell("\n")

    def _forget(self, search: LeftoverSearch, scope: PreviousScope, *, ask_ses: bool) -> None:
        try:
            gone = search.forget(scope, ask_ses=ask_ses)
            self.tell(f"{scope.place}: {gone} {'gone from SES and forgotten' if ask_ses else 'forgotten'}")
        except SesError as error:
            self.tell(f"{scope.place}: {error.sentence}")

    def _erase(self, folder: Folder) -> None:
        try:
            for erased in find.erase(folder):
                self.tell(f"{folder.prefix}: {erased:,} of {folder.stored.versions:,} versions erased")
        except SesError as error:
            self.tell(f"{folder.prefix}: {error.sentence}")

    def _count(self, what: str, number: int, total: int) -> None:
        count(self.stderr, f"Looking at {what}", number, total)
