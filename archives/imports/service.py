"""Import an archive: verify all of it, plan, and add the domain with its configuration in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from django.contrib.auth.models import AbstractBaseUser

from archives.format.names import ADDRESSES, BLOCKED, ENDPOINTS
from archives.format.reading.archive import Archive, verify
from archives.format.reading.refusal import Limits
from archives.imports.configure import Configuration
from archives.imports.mails import ImportedMails, import_mails
from archives.imports.plan import Plan, plan_of
from archives.imports.refusals import REFUSED, CannotImport, refusal
from domains.lifecycle import register
from domains.lifecycle.authenticate import MailFromRefused, undo_if_refused
from domains.models import Domain
from endpoints.models import Endpoint
from ses_integration.api import SyncState, shared_deadline, unconfirmed_warning

NOT_CONFIRMED = "SES has not confirmed the imported domain yet:"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A verified archive, and what its import would create for the owner."""

    archive: Archive
    owner: AbstractBaseUser
    configuration: Configuration

    @property
    def plan(self) -> Plan:
        return self.configuration.plan


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an import would do now. `existing`: the owner's domain, which would get no more than mail. `conflict`: why it would be
    refused."""

    prepared: Prepared
    with_mail: bool
    existing: Domain | None
    conflict: CannotImport | None


@dataclass(frozen=True, slots=True)
class Imported:
    """`ids`: the new id of each row of the archive, by kind; empty if the domain existed. `warning`: what SES has not confirmed."""

    domain: Domain
    ids: dict[str, dict[str, str]]
    warning: str | None


def prepare(file: IO[bytes], owner: AbstractBaseUser, limits: Limits | None = None) -> Prepared:
    """Verify the whole file, and plan. Changes nothing. Raises Refused with a sentence, and OSError.

    May ask DNS about webhooks of the archive.
    """
    archive = verify(file, limits)
    rows: Any = {name: archive.rows(name) for name in (ENDPOINTS, ADDRESSES, BLOCKED)}
    types = dict(Endpoint.objects.filter(owner=owner.pk).values_list("pk", "type"))
    plan = plan_of(archive.domain, rows, types)
    return Prepared(archive, owner, Configuration.prepared(plan, owner))


def existing_domain(prepared: Prepared) -> Domain | None:
    """The owner's domain of this name, whose mail an import may complete."""
    return Domain.objects.live().filter(name=prepared.plan.name, owner=prepared.owner.pk).first()


def foresee(prepared: Prepared, *, with_mail: bool) -> Foreseen:
    """Try the import, for a dry run. Changes nothing."""
    existing = existing_domain(prepared) if with_mail else None
    conflict = _conflict(prepared) if existing is None else None
    return Foreseen(prepared, with_mail, existing, conflict)


def _conflict(prepared: Prepared) -> CannotImport | None:
    plan, owner = prepared.plan, prepared.owner
    try:
        register.try_domain(owner=owner, name=plan.name, configure=prepared.configuration.apply)
    except REFUSED as error:
        return refusal(error, owner, plan.name)
    except CannotImport as error:
        return error
    return None


def import_domain(prepared: Prepared, note: Callable[[Domain], None] = lambda domain: None) -> Imported:
    """Add the domain with everything that the plan has, and wait until SES has confirmed it or the deadline ends.

    One transaction: a process that is killed before its commit leaves nothing, and after it everything; the worker then does
    what is left in SES. `note` writes more in it. Raises CannotImport.
    """
    plan, owner, configuration = prepared.plan, prepared.owner, prepared.configuration

    def configure(domain: Domain) -> None:
        configuration.apply(domain)
        note(domain)

    with shared_deadline():
        try:
            added = register.add_domain(owner=owner, name=plan.name, configure=configure)
        except REFUSED as error:
            raise refusal(error, owner, plan.name) from error
        refused = _refused_mail_from(added.domain, configuration) if plan.mail_from_label else None
    pending = SyncState.pending_names([plan.name]).exists()
    not_confirmed = unconfirmed_warning(NOT_CONFIRMED, plan.name) if pending else None
    warning = " ".join(filter(None, [not_confirmed, refused, added.warning])) or None
    return Imported(added.domain, configuration.ids, warning)


def import_mail(prepared: Prepared, domain: Domain) -> ImportedMails:
    """Import the mail of the archive into the owner's domain of its name, as history. See `import_mails` for what it raises."""
    return import_mails(prepared.archive, domain)


def _refused_mail_from(domain: Domain, configuration: Configuration) -> str | None:
    """Why the domain has the MAIL FROM domain of a new one instead of that of the archive. None if it has the archive's."""
    try:
        undo_if_refused(domain, configuration.first_label, chosen=False)
    except MailFromRefused as error:
        return str(error)
    return None
