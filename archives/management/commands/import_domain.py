from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from archives.format.reading.refusal import Refused
from archives.imports.mails import DomainGone
from archives.imports.refusals import CannotImport
from archives.imports.service import (
    Imported,
    Prepared,
    existing_domain,
    foresee,
    import_domain,
    import_mail,
    prepare,
)
from archives.management.imported import Done, as_values, lines
from backoffice.shell.arguments import user_of
from ses_integration.api import SesError, shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes, sentence_of


class Command(CommandWithExitCodes):
    help = (
        "Import an archive of a domain: the domain with its settings, endpoints, addresses, catch-all and blocked emails. Verifies "
        "the whole file first. Exit code 0 when everything is done, 2 when the domain is imported and something is pending in SES "
        "or for you to fill in, or mail is left, 1 on an error or a refused file: then nothing has changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="an archive, as it was exported")
        parser.add_argument("--owner", metavar="USER", required=True, help="the account that gets the domain")
        parser.add_argument(
            "--with-mail",
            action="store_true",
            help="also import its mail, as history that is not delivered. If the owner has the domain, only mail that it lacks",
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be imported, and change nothing")
        parser.add_argument("--json", action="store_true", help="print JSON, with the new ids")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = user_of(options["owner"])
        if options["with_mail"] and not settings.S3_BUCKET_NAME:
            raise CommandError("Mail can only be imported into a bucket: set S3_BUCKET_NAME.")
        try:
            with open(options["file"], "rb") as file:
                done = self._run(prepare(file, owner), options)
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except (Refused, CannotImport) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(as_values(done), indent=2))
        else:
            for line in lines(done):
                self.stdout.write(line)
        if done.conflict is not None:
            raise CommandError(str(done.conflict))
        if done.is_incomplete:
            raise SystemExit(2)

    def _run(self, prepared: Prepared, options: Any) -> Done:
        with_mail = options["with_mail"]
        if options["dry_run"]:
            foreseen = foresee(prepared, with_mail=with_mail)
            exists = foreseen.existing is not None
            return Done(prepared, exists=exists, with_mail=with_mail, conflict=foreseen.conflict)
        existing = existing_domain(prepared) if with_mail else None
        done = Done(prepared, exists=existing is not None, with_mail=with_mail)
        if existing is None:
            with shared_deadline(SECONDS_PER_DOMAIN):
                done.imported = import_domain(prepared)
        else:
            done.imported = Imported(existing, {}, None)
        if with_mail:
            try:
                done.mails = import_mail(prepared, done.imported.domain)
            except (SesError, DomainGone, Refused, OSError) as error:
                # The domain is there, so this is no longer an error that has changed nothing.
                done.problem = sentence_of(error) if isinstance(error, SesError) else str(error)
        return done
