"""What `import_domain` says of an import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from archives.imports.facts import foreseen, plan_values, to_fill_in
from archives.imports.mails import ImportedMails
from archives.imports.refusals import CannotImport
from archives.imports.service import Imported, Prepared
from backoffice.text import plural


@dataclass
class Done:
    """`exists`: the owner has the domain already. `imported`, `mails`: None if that was not done. `problem`: why mail is left.
    `conflict`: why an import would be refused."""

    prepared: Prepared
    exists: bool
    with_mail: bool
    imported: Imported | None = None
    mails: ImportedMails | None = None
    problem: str = ""
    conflict: CannotImport | None = None

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
    only_planned = done.with_mail and done.mails is None and not done.problem
    yield from foreseen(prepared, exists=done.exists, with_mail=only_planned, done=imported is not None)
    if mails := done.mails:
        lost = f" The archive does not have {plural(mails.missing, 'mail')}." if mails.missing else ""
        yield f"  {plural(mails.stored, 'mail')} imported as history, {mails.existing} there already.{lost}"
    elif done.problem:
        yield f"Not all mail is imported: {done.problem} Run it again with the same file, and it goes on."
    if imported is None:
        yield "Nothing was changed."
    elif not done.exists:
        yield imported.warning or "SES has confirmed it."
        yield f"SES verifies the domain anew: `domain_dns {prepared.plan.name}` shows the records to publish."


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
        "conflict": done.conflict.values if done.conflict else None,
    }
