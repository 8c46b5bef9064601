"""What `import_domain` says of an import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from archives.imports.facts import plan_values, to_fill_in
from archives.imports.mails import ImportedMails
from archives.imports.service import Imported, Prepared
from backoffice.text import plural, size


@dataclass
class Done:
    """`exists`: the owner has the domain already. `imported`, `mails`: None if that was not done. `problem`: why mail is left."""

    prepared: Prepared
    exists: bool
    with_mail: bool
    imported: Imported | None = None
    mails: ImportedMails | None = None
    problem: str = ""

    @property
    def is_incomplete(self) -> bool:
        """Whether something is imported, and something is left."""
        if self.imported is None:
            return False
        missing = self.mails is not None and self.mails.missing
        return bool(
            self.problem
            or self.imported.warning
            or missing
            or (not self.exists and to_fill_in(self.prepared.configuration))
        )


def lines(done: Done) -> Iterator[str]:
    """What people read."""
    prepared, imported = done.prepared, done.imported
    plan = prepared.plan
    if done.exists:
        yield f"{prepared.owner} has {plan.name} already: its configuration stays as it is."
    else:
        yield from _configuration(done)
    if done.with_mail:
        yield from _mail(done)
    if imported is None:
        yield "Nothing was changed."
    elif not done.exists:
        yield imported.warning or "SES has confirmed it."
        yield f"SES verifies the domain anew: `domain_dns {plan.name}` shows the records to publish."


def _configuration(done: Done) -> Iterator[str]:
    prepared, imported = done.prepared, done.imported
    plan = prepared.plan
    yield f"{plan.name} {'would be' if imported is None else 'is'} imported for {prepared.owner}:"
    yield f"  {plural(len(plan.addresses), 'address')}, {plural(len(plan.blocked), 'blocked email')}"
    for endpoint in plan.endpoints:
        name, what = endpoint.values["name"], endpoint.values["type"]
        yield f"  endpoint {name} ({what}): {'the one that exists' if endpoint.reused else 'new'}"
    yield f"  catch-all: {'on' if plan.catch_all else 'off'}"
    yield from to_fill_in(prepared.configuration)


def _mail(done: Done) -> Iterator[str]:
    counts = done.prepared.archive.manifest["counts"]
    mails = done.mails
    if mails is not None:
        lost = f" The archive does not have {plural(mails.missing, 'mail')}." if mails.missing else ""
        yield f"  {plural(mails.stored, 'mail')} imported as history, {mails.existing} there already.{lost}"
    elif done.problem:
        yield f"Not all mail is imported: {done.problem} Run it again with the same file, and it goes on."
    else:
        yield f"  {plural(counts['mails'], 'mail')} as history, {size(counts['mailBytes'])}"


def as_values(done: Done) -> dict[str, Any]:
    """The JSON document."""
    prepared, imported = done.prepared, done.imported
    return {
        "domain": prepared.plan.name,
        "domainId": imported.domain.pk if imported else None,
        "owner": prepared.owner.get_username(),
        "dryRun": imported is None,
        "plan": plan_values(prepared.plan),
        "exists": done.exists,
        "toFillIn": [] if done.exists else to_fill_in(prepared.configuration),
        "ids": imported.ids if imported and not done.exists else None,
        "warning": imported.warning if imported else None,
        "mails": asdict(done.mails) if done.mails else None,
        "problem": done.problem or None,
    }
