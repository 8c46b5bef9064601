from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from archives.building.scope import Scope
from archives.building.stream import write_archive
from archives.exports.audit import exported
from backoffice.text import plural, size
from domains.models import Domain
from rest.names.arguments import domain_name
from ses_integration.cli.base import CommandWithExitCodes, ses_errors_as_command_errors

STDOUT = "-"
CLOSED_PIPE = 141


class Command(CommandWithExitCodes):
    help = (
        "Export a domain as one zip file: settings, addresses, endpoints, blocked emails, DNS records, status history, and all "
        "stored mail. Changes nothing. Exit code 0 when the file is complete, 2 when it is and S3 did not have every mail, 1 on "
        "an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", metavar="DOMAIN", type=domain_name, help="a domain's name")
        parser.add_argument(
            "--to", metavar="FILE", required=True, help="a file that does not exist yet; - is standard output"
        )
        parser.add_argument(
            "--with-secrets",
            action="store_true",
            help="also export signing secrets, headers and passwords in URLs of endpoints; without it, *** stands for them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        domain = Domain.objects.live().filter(name=options["domain"]).first()
        if domain is None:
            raise CommandError(f"There is no domain {options['domain']!r}. list_domains shows those that there are.")
        scope = Scope(domain, timezone.now(), secrets=options["with_secrets"])
        exported(scope)
        with ses_errors_as_command_errors():
            counts = _to_stdout(scope) if options["to"] == STDOUT else _to_file(scope, Path(options["to"]))
        mails = f"{plural(counts['mails'], 'mail')}, {size(counts['mailBytes'])}"
        missing = counts["missing"]
        lost = f" S3 does not have {plural(missing, 'mail')}: the index says which." if missing else ""
        # Standard output may be the archive.
        self.stderr.write(f"{domain.name} is exported: {mails}.{lost}", style_func=str)
        if missing:
            raise SystemExit(2)


def _to_stdout(scope: Scope) -> Any:
    try:
        counts = write_archive(scope, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Otherwise Python complains when it flushes the stream at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(CLOSED_PIPE) from None
    except OSError as error:
        raise CommandError(f"The output cannot be written: {error.strerror}.") from error
    return counts


def _to_file(scope: Scope, path: Path) -> Any:
    """Write the file, for its owner only, or leave none."""
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise CommandError(f"{path} exists. Give the name of a new file.") from error
    except OSError as error:
        raise CommandError(f"{path} cannot be created: {error.strerror}.") from error
    try:
        with file:
            return write_archive(scope, file)
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        raise
