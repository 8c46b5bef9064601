from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from archives.format.reading.refusal import Refused
from archives.imports.plan import Plan
from archives.imports.refusals import CannotImport
from archives.imports.service import Imported, Prepared, import_domain, prepare, try_import
from backoffice.shell.arguments import user_of
from backoffice.text import listed, plural
from ses_integration.api import shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Import an archive of a domain: the domain with its settings, endpoints, addresses, catch-all and blocked emails. Verifies "
        "the whole file first. Exit code 0 when everything is done, 2 when the domain is imported and something is pending in SES "
        "or for you to fill in, 1 on an error or a refused file: then nothing has changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="an archive, as it was exported")
        parser.add_argument("--owner", metavar="USER", required=True, help="the account that gets the domain")
        parser.add_argument("--dry-run", action="store_true", help="show what would be imported, and change nothing")
        parser.add_argument("--json", action="store_true", help="print JSON, with the new ids")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = user_of(options["owner"])
        try:
            with open(options["file"], "rb") as file:
                prepared = prepare(file, owner)
                imported = None
                if options["dry_run"]:
                    try_import(prepared)
                else:
                    imported = _imported(prepared)
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except (Refused, CannotImport) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(_as_values(prepared, imported), indent=2))
        else:
            for line in _lines(prepared, imported):
                self.stdout.write(line)
        if imported is not None and (imported.warning or _to_fill_in(prepared)):
            raise SystemExit(2)


def _imported(prepared: Prepared) -> Imported:
    with shared_deadline(SECONDS_PER_DOMAIN):
        return import_domain(prepared)


def _to_fill_in(prepared: Prepared) -> list[str]:
    """A sentence for each thing that the archive does not have."""
    plan = prepared.plan
    inactive = [
        f"Endpoint {endpoint.name} is inactive. {endpoint.inactive_reason}"
        for endpoint in prepared.configuration.endpoints.values()
        if endpoint.inactive_reason
    ]
    unrouted = f"No endpoint is known for {listed(plan.unrouted)}: choose one for each." if plan.unrouted else ""
    return [*inactive, *filter(None, [unrouted])]


def _lines(prepared: Prepared, imported: Imported | None) -> Iterator[str]:
    plan = prepared.plan
    yield f"{plan.name} {'would be' if imported is None else 'is'} imported for {prepared.owner}:"
    yield f"  {plural(len(plan.addresses), 'address')}, {plural(len(plan.blocked), 'blocked email')}"
    for endpoint in plan.endpoints:
        name, what = endpoint.values["name"], endpoint.values["type"]
        yield f"  endpoint {name} ({what}): {'the one that exists' if endpoint.reused else 'new'}"
    yield f"  catch-all: {'on' if plan.catch_all else 'off'}"
    yield from _to_fill_in(prepared)
    if imported is None:
        yield "Nothing was changed."
        return
    yield imported.warning or "SES has confirmed it."
    yield f"SES verifies the domain anew: `domain_dns {plan.name}` shows the records to publish."


def _as_values(prepared: Prepared, imported: Imported | None) -> dict[str, Any]:
    return {
        "domain": prepared.plan.name,
        "domainId": imported.domain.pk if imported else None,
        "owner": prepared.owner.get_username(),
        "dryRun": imported is None,
        "plan": _plan(prepared.plan),
        "toFillIn": _to_fill_in(prepared),
        "ids": imported.ids if imported else None,
        "warning": imported.warning if imported else None,
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "endpoints": [
            {
                "id": endpoint.id,
                "name": endpoint.values["name"],
                "type": endpoint.values["type"],
                "isReused": endpoint.reused,
            }
            for endpoint in plan.endpoints
        ],
        "addresses": len(plan.addresses),
        "blockedEmails": len(plan.blocked),
        "catchAllEndpointId": plan.catch_all,
        "mailFromLabel": plan.mail_from_label or None,
        "receiveDmarcEmails": plan.receives_dmarc,
    }
