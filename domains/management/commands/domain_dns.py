from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from backoffice.tables import table
from backoffice.text import moment, plural
from domains.dns import verdict
from domains.dns.records import Record, RecordKind
from domains.dns.verdict import CheckedRecord, State
from domains.dns.zonefile import zone_fragment
from domains.management.deletions import state_of
from domains.models import Domain, DomainDeletion
from domains.verification.rows import record_of, records_of, unnamed_records
from rest.names.arguments import domain_name
from ses_integration.api import RecordedIdentity
from ses_integration.cli.base import CommandWithExitCodes
from workers.models import WorkerKind
from workers.wording import left_to


class Command(CommandWithExitCodes):
    help = (
        "Print the DNS records that the owner of a domain has to publish, next to what is published now. Asks DNS, but not SES, "
        "and changes nothing. Exit code 0 when all required records are published, 2 when one is missing, wrong or could not be "
        "looked up, or SES has not named all of them yet, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", metavar="DOMAIN", type=domain_name, help="a domain's name")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--zone", action="store_true", help="print a fragment of a zone file, to be imported")
        form.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        domain = _domain(options["domain"])
        known = RecordedIdentity.by_domain([domain.name]).get(domain.name)
        records = _records(domain, known)
        checks = verdict.check(records)
        checked = [checks[record] for record in records]
        # SES names the token of this record last.
        all_named = any(record.kind is RecordKind.OWNERSHIP for record in records)
        warning = None if all_named else unnamed_records(domain.name, known)
        missing = verdict.unmet(checked, own_key=bool(known and known.has_own_key))
        all_live = not (missing or warning)
        if options["json"]:
            self.stdout.write(json.dumps(_as_values(domain, checked, warning, all_live=all_live), indent=2))
        elif options["zone"]:
            self.stdout.write(zone_fragment(domain.name, checked))
            if warning:
                self.stderr.write(warning, style_func=str)
        else:
            self.stdout.write(_as_table(checked))
            self.stdout.write("\n".join(filter(None, [f"\n{_count(checked, missing)}", warning, _status(domain)])))
        if not all_live:
            raise SystemExit(2)


def _domain(name: str) -> Domain:
    domain = Domain.objects.filter(name=name).first()
    if domain is not None and domain.deleting_since is None:
        return domain
    deletion = DomainDeletion.objects.filter(name=name).order_by("-started_at").first()
    if domain is None and deletion is None:
        raise CommandError(f"There is no domain {name!r}. Add it with POST /domains, or in the admin.")
    if deletion is not None and deletion.in_grace:
        raise CommandError(f"{name} is deleted, and {state_of(deletion)}. Run restore_domain {name} first.")
    what = "is being deleted" if domain is not None else "has been deleted"
    report = f"/deletions/{deletion.pk}" if deletion is not None else "/deletions"
    raise CommandError(
        f'{name} {what}. The report lists its DNS records that are still published: GET {report}, or "Domain deletions" in the '
        "admin."
    )


def _records(domain: Domain, known: RecordedIdentity | None) -> list[Record]:
    stored = (record_of(domain.name, row) for row in domain.dns_records.all())
    # What SES has named may not be stored yet.
    records = records_of(domain.name, known) or list(stored)
    if not records:
        raise CommandError(
            f"The DNS records of {domain.name} are not known, because AWS region or credentials are missing. Set them, then "
            "ses_doctor tests them."
        )
    return sorted(records, key=lambda record: record.place)


def _as_table(checked: Sequence[CheckedRecord]) -> str:
    rows = [
        [one.record.type, one.record.name, one.record.value, "yes" if one.record.is_required else "no", one.state]
        for one in checked
    ]
    problems = list(dict.fromkeys(one.why for one in checked if one.why))
    return "\n".join(
        [table(["TYPE", "NAME", "VALUE", "REQUIRED", "LIVE"], rows), *(["", *problems] if problems else [])]
    )


def _count(checked: Sequence[CheckedRecord], missing: Sequence[CheckedRecord]) -> str:
    live = sum(one.record.is_required and one.state is State.VERIFIED for one in checked)
    unknown = sum(one.state is State.UNKNOWN for one in missing)
    published = f"{live} of {plural(live + len(missing), 'required record')} published"
    return f"{published}, {unknown} could not be looked up." if unknown else f"{published}."


def _status(domain: Domain) -> str:
    """The status as it is stored, and when the worker checks it again, if one is alive."""
    due = domain.next_check
    when = ""
    if due is not None:
        at = "now" if due <= timezone.now() else f"at {moment(due)}"
        when = f" {left_to(WorkerKind.SES, f'The worker checks it again {at}.')}"
    reason = f": {domain.status_reason}" if domain.status_reason else "."
    return f"{domain.name} is {domain.status}{reason}{when}"


def _as_values(
    domain: Domain, checked: Sequence[CheckedRecord], warning: str | None, *, all_live: bool
) -> dict[str, Any]:
    return {
        "domain": domain.name,
        "status": domain.status,
        "statusReason": domain.status_reason or None,
        "requiredPublished": all_live,
        "warning": warning,
        "records": [
            {
                "type": one.record.type,
                "name": one.record.name,
                "value": one.record.value,
                "description": one.record.description,
                "isRequired": one.record.is_required,
                "state": one.state.value,
                "found": list(one.found),
                "why": one.why or None,
            }
            for one in checked
        ],
    }
