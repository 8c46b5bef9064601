from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from domains.cleanup import find
from domains.cleanup.find import Findings, Orphan, Search
from domains.cleanup.folders import Folder
from domains.cleanup.text import as_values, report
from domains.deletion.retry import retry_deletion
from domains.models import DomainDeletion
from domains.names import normalise_domain
from ses_integration.cli.base import CommandWithExitCodes, outcome, ses_errors_as_command_errors
from ses_integration.conf import SesConfig, ses_config
from ses_integration.drift import orphans, previous_scopes, repair
from ses_integration.drift.previous_scopes import PreviousScope
from ses_integration.errors import SesError, WrongAccount

ANOTHER_ACCOUNT = (
    "it is of another AWS account than the present credentials, or nobody knows of which. Run this with its credentials; "
    "if that account is closed, or was cleaned up by hand, --forget-former forgets it."
)

SECONDS_PER_TRY = 30.0


class Command(CommandWithExitCodes):
    help = (
        "List what should be gone and is not: rules and identities of ours that are in no ledger, stored mail of no domain, "
        "what another AWS_REGION or SES_RULE_SET left behind, and everything that is still owed. Reads the tag of every "
        "identity in the account that is in no ledger, about one a second. Changes nothing unless --apply is given. "
        "Exit code 0 when nothing is left over or owed, 2 when something is (after --apply: still is), 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--apply",
            action="store_true",
            help="remove the orphans, and erase stored mail, whose domain was here; forget of another region what is "
            "gone; and go on now with the deletions that owe something",
        )
        parser.add_argument(
            "--domain",
            metavar="NAME",
            help="look at this domain only; with --apply, also remove what nothing here knows of",
        )
        parser.add_argument(
            "--forget-former",
            action="store_true",
            help="with --apply: forget what other regions and rule sets hold without asking SES there, because their AWS "
            "account is closed, or was cleaned up by hand",
        )
        parser.add_argument("--json", action="store_true", help="print JSON; progress goes to stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        domain = _domain(options["domain"])
        self.tell = self.stdout.write if not options["json"] else partial(self.stderr.write, style_func=str)
        search = Search(config, domain, self._count)
        with ses_errors_as_command_errors():
            found = search.findings()
            if domain and not search.known:
                raise CommandError(f"Neither this installation nor SES nor the bucket knows of {domain}.")
            if options["apply"] and (_marked(found, domain) or found.previous_scopes or found.deletions):
                if not options["json"]:
                    self.stdout.write(f"{report(found, domain)}\n\n")
                self._remove(config, search, found, forget_former=options["forget_former"])
                found = search.findings()
        if options["json"]:
            self.stdout.write(json.dumps(as_values(found, domain), indent=2))
        else:
            self.stdout.write(report(found, domain))
            if _marked(found, domain):
                self.stdout.write("\nses_cleanup --apply removes what is marked with !.")
        if not found.nothing_left:
            raise SystemExit(2)

    def _remove(self, config: SesConfig, search: Search, found: Findings, *, forget_former: bool) -> None:
        chosen = [it.found for it in found.orphans if find.removable(it, search.domain)]
        domains = orphans.take_over(config, chosen)
        for number, name in enumerate(repair.bring_into_line(domains), 1):
            self.tell(f"{number}/{len(domains)} {name}: {outcome(name)}")
        for folder in find.erasable(config, found.folders, search.domain):
            self._erase(folder)
        for record in found.deletions:
            self._go_on(record)
        for ledger in found.previous_scopes:
            if forget_former:
                self.tell(f"{ledger.place}: {previous_scopes.forget(ledger)} forgotten")
            else:
                self._forget_gone(config, ledger)
        self.tell("\n")

    def _forget_gone(self, config: SesConfig, ledger: PreviousScope) -> None:
        try:
            gone = previous_scopes.forget_gone(config, ledger)
            self.tell(f"{ledger.place}: {gone} forgotten, which SES does not hold any more")
        except WrongAccount:
            self.tell(f"{ledger.place}: {ANOTHER_ACCOUNT}")
        except SesError as error:
            self.tell(f"{ledger.place}: {error.sentence}")

    def _erase(self, folder: Folder) -> None:
        try:
            for erased in find.erase(folder):
                self.tell(f"{folder.prefix}: {erased:,} of {folder.stored.versions:,} versions erased")
        except SesError as error:
            self.tell(f"{folder.prefix}: {error.sentence}")

    def _go_on(self, record: DomainDeletion) -> None:
        """For as long as there is something to erase and S3 lets us."""
        erased = -1
        while record.finished_at is None and record.erased_versions != erased:
            erased = record.erased_versions
            self.tell(f"deletion of {record.name} ({record.pk}): {retry_deletion(record, seconds=SECONDS_PER_TRY)}")
            if record.problem:
                return

    def _count(self, what: str, number: int, total: int) -> None:
        """A counter for people who wait at a terminal; nothing in a log."""
        if self.stderr.isatty():
            end = "\n" if number == total else ""
            self.stderr.write(f"\rLooking at {what}: {number}/{total}{end}", style_func=str, ending="")
            self.stderr.flush()


def _domain(text: str | None) -> str:
    try:
        return normalise_domain(text) if text is not None else ""
    except ValueError as error:
        raise CommandError(f"--domain: {error}.") from error


def _marked(found: Findings, domain: str) -> bool:
    """Whether there is anything that --apply would remove."""
    things: list[Orphan | Folder] = [*found.orphans, *found.folders]
    return any(find.removable(it, domain) for it in things)
