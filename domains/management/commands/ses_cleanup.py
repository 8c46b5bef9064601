from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from backoffice.text import plural
from domains.cleanup import find
from domains.cleanup.find import Findings, Folder
from domains.cleanup.render import as_values, report
from domains.deletion.received import erase_unreported
from domains.deletion.retry import retry_deletion
from domains.models import DomainDeletion
from rest.names.arguments import domain_name
from ses_integration.api import SesError
from ses_integration.cli.base import (
    SECONDS_PER_DOMAIN,
    CommandWithExitCodes,
    reconcile_each,
    ses_errors_as_command_errors,
)
from ses_integration.cli.leftovers import LeftoverSearch, PreviousScope


class Command(CommandWithExitCodes):
    help = (
        "List what should be gone and is not: our rules and identities that are in no ledger, mail without a domain, "
        "what another AWS_REGION or SES_RULE_SET left behind, and everything that is pending. Reads the tag of every "
        "identity in the account that is in no ledger, about one a second. Changes nothing unless --apply is given. "
        "Exit code 0 when nothing is left over or pending, 2 when something is (after --apply: still is), 1 on an error."
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
        parser.add_argument("--json", action="store_true", help="print JSON; progress goes to stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        self.tell = self.stdout.write if not options["json"] else partial(self.stderr.write, style_func=str)
        search = LeftoverSearch(options["domain"] or "", self._count)
        with ses_errors_as_command_errors():
            found = find.findings(search)
            if search.domain and not found.known:
                raise CommandError(f"Neither this installation nor SES nor the bucket knows of {search.domain}.")
            if options["apply"] and (found.removable or found.left.previous_scopes or found.deletions):
                if not options["json"]:
                    self.stdout.write(f"{report(found)}\n\n")
                self._apply(search, found, forget_former=options["forget_former"])
                found = find.findings(search)
        if options["json"]:
            self.stdout.write(json.dumps(as_values(found), indent=2))
        else:
            self.stdout.write(report(found))
            if found.removable:
                self.stdout.write("\nses_cleanup --apply removes what is marked with !.")
        if not found.nothing_left:
            raise SystemExit(2)

    def _apply(self, search: LeftoverSearch, found: Findings, *, forget_former: bool) -> None:
        adopted = search.adopt([orphan.found for orphan in found.orphans if orphan.removable])
        reconcile_each(adopted, self.tell)
        folders = {folder.prefix: folder for folder in found.folders if folder.removable}
        for prefix in search.without_rule(list(folders)):
            self._erase(folders[prefix])
        for mail in found.lost_mail:
            for erased in erase_unreported(mail.domain_id):
                self.tell(
                    f"{mail.domain} ({mail.domain_id}): {plural(erased, 'received email')} erased from the database"
                )
        for record in found.deletions:
            self._retry(record)
        for scope in found.left.previous_scopes:
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

    def _retry(self, record: DomainDeletion) -> None:
        """Retry the deletion as long as each try erases something."""
        erased = -1
        while record.finished_at is None and record.erased_emails + record.erased_versions != erased:
            erased = record.erased_emails + record.erased_versions
            self.tell(f"deletion of {record.name} ({record.pk}): {retry_deletion(record, seconds=SECONDS_PER_DOMAIN)}")
            if record.problem:
                return

    def _count(self, what: str, number: int, total: int) -> None:
        """Show a counter on a terminal, and nothing in a log."""
        if self.stderr.isatty():
            end = "\n" if number == total else ""
            self.stderr.write(f"\rLooking at {what}: {number}/{total}{end}", style_func=str, ending="")
            self.stderr.flush()
