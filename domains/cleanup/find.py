"""Find what should be gone and is not: in the database, and then in SES and in the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Count, Min, QuerySet

from audit.actions import Action
from audit.record import record_names
from domains.models import Domain, DomainDeletion, Step
from ses_integration.api import MailFolder, SesError
from ses_integration.cli.base import Removal
from ses_integration.cli.leftovers import STORED_MAIL, Drift, Leftovers, LeftoverSearch, Recorded, Stored


@dataclass(frozen=True, slots=True)
class Orphan:
    """A rule or an identity that looks like ours and is in no ledger. `recorded`: its domain is, or was, known here.

    `removable`: --apply may remove it. If its domain is not recorded, it may belong to another installation, so --domain has
    to name it. A rule that may be needed stays until ours is repaired.
    """

    found: Drift
    recorded: bool
    removable: bool


@dataclass(frozen=True, slots=True)
class Folder:
    """`emails/<domain>/<domain id>/` of a domain that is gone or unknown.

    `recorded`: its deletion is recorded here, so it was ours. `rule`: a rule in SES that stores mail there. `owner`: the other
    installation whose tag is on the domain's identity. `removable`: --apply may erase it.
    """

    prefix: str
    domain: str
    stored: Stored
    recorded: bool
    rule: str
    owner: str
    removable: bool

    @property
    def in_use(self) -> bool:
        return bool(self.rule or (self.owner and not self.recorded))


@dataclass(frozen=True, slots=True)
class LostMail:
    """Mail in the database of a domain that is gone, and that no deletion erases: rows were deleted or restored by hand."""

    domain: str
    domain_id: str
    mails: int


@dataclass(frozen=True, slots=True)
class InDatabase:
    """What the database says, without asking anybody.

    `recorded`: by ledger and sync states. `deletions` are unfinished, and not in their grace period.
    """

    recorded: Recorded
    lost_mail: list[LostMail]
    deletions: list[DomainDeletion]

    @property
    def nothing_left(self) -> bool:
        found = self.recorded
        return not (self.lost_mail or self.deletions or found.previous_scopes or found.pending)


@dataclass(frozen=True, slots=True)
class InAws:
    """What SES and S3 have `left`, and what the rows say about it. `known`: they know something of the named domain."""

    left: Leftovers
    known: bool
    orphans: list[Orphan]
    folders: list[Folder]

    @property
    def nothing_left(self) -> bool:
        unused = [folder for folder in self.folders if not folder.in_use]
        return not (self.orphans or unused or self.left.not_looked_at)

    @property
    def removable(self) -> list[Orphan | Folder]:
        """What --apply removes."""
        findings: list[Orphan | Folder] = [*self.orphans, *self.folders]
        return [finding for finding in findings if finding.removable]


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that `ses_cleanup` has found."""

    database: InDatabase
    aws: InAws

    @property
    def nothing_left(self) -> bool:
        return self.database.nothing_left and self.aws.nothing_left

    @property
    def removable(self) -> bool:
        """Whether there is anything that --apply removes."""
        return bool(self.database.lost_mail or self.aws.removable)

    @property
    def known(self) -> bool:
        """Whether anybody knows of the named domain. Who has not answered may."""
        return self.aws.known or bool(self.database.lost_mail or self.aws.left.not_looked_at)

    @property
    def to_apply(self) -> bool:
        """Whether --apply has anything to do."""
        return self.removable or bool(self.database.recorded.previous_scopes or self.database.deletions)


def in_database(search: LeftoverSearch) -> InDatabase:
    """Search the database alone."""
    domain = search.domain
    deletions = DomainDeletion.objects.under_way().order_by("started_at", "name")
    return InDatabase(
        search.recorded(),
        lost_mail=[mail for mail in _lost_mail() if domain in ("", mail.domain)],
        deletions=[record for record in deletions if domain in ("", record.name)],
    )


def in_aws(search: LeftoverSearch) -> InAws:
    """Search SES and the bucket, and compare them with the database. Changes nothing."""
    domain = search.domain
    left = search.find()
    # Read after SES and the bucket: the folder of a domain that was added meanwhile must not look unowned.
    rows = (Domain.objects.values_list("name", flat=True), DomainDeletion.objects.values_list("name", flat=True))
    recorded = search.known_domains().union(*rows)
    orphans = [_orphan(drift, domain, recorded=drift.domain in recorded) for drift in left.orphans]
    removed = {orphan.found.name for orphan in orphans if orphan.removable}
    try:
        folders = list(_folders(left, domain, removed))
    except SesError as error:
        folders, left.not_looked_at[STORED_MAIL] = [], error.sentence
    known = domain in recorded | left.in_ses or bool(folders or left.reference_mail)
    return InAws(left, known, orphans, folders)


def removals(search: LeftoverSearch, found: InAws) -> list[Removal]:
    """How much --apply removes, of all rules, identities and folders. Of one domain, the folders are not counted."""
    orphans = [orphan.found for orphan in found.orphans if orphan.removable]
    folders = sum(folder.removable for folder in found.folders)
    stored = [] if search.domain else [Removal("folders of stored mail", folders, len(found.left.folders))]
    return [*search.removals(found.left, orphans), *stored]


def _orphan(found: Drift, named: str, *, recorded: bool) -> Orphan:
    return Orphan(found, recorded, removable=not found.needed and (recorded or found.domain == named))


def _folders(left: Leftovers, named: str, removed: set[str]) -> Iterator[Folder]:
    """Folders without a domain. The orphan rules in `removed` do not count: they are removed first."""
    owned, deleted = _owned_and_deleted()
    for prefix, rules in left.folders.items():
        domain, pk = prefix.split("/")[1:3]
        if pk in owned or not (stored := MailFolder(prefix).count()).versions:
            continue
        rule = next((name for name in rules if name not in removed), "")
        owner, recorded = left.owners.get(domain, ""), pk in deleted
        removable = not rule and (recorded or (domain == named and not owner))
        yield Folder(prefix, domain, stored, recorded, rule, owner, removable)


def _lost_mail() -> Iterator[LostMail]:
    # In the app above: mail.Message.
    messages: Any = Domain._meta.get_field("messages").related_model
    erasing = DomainDeletion.objects.filter(received_emails=Step.PENDING).values("domain_id")
    lost = messages.objects.without_domain().exclude(domain_id__in=erasing)
    for row in lost.values("domain_id").annotate(mails=Count("pk"), key=Min("key")).order_by("domain_id"):
        yield LostMail(row["key"].split("/")[1], row["domain_id"], row["mails"])


def erase(folder: Folder) -> Iterator[int]:
    """Erase the folder while it is unowned, and yield how many versions are gone. Raises SesError."""
    # Before, because what is gone cannot be restored if the process ends.
    record_names(Action.ERASED, "s3.folder", [folder.prefix], versions=folder.stored.versions)
    yield from MailFolder(folder.prefix).erase_while(partial(is_unowned, folder.prefix))


def is_unowned(prefix: str) -> bool:
    """Whether no domain owns the folder, and no deletion still erases it or keeps its mail."""
    pk = prefix.split("/")[2]
    return not (Domain.objects.filter(pk=pk).exists() or _owning_deletions().filter(domain_id=pk).exists())


def _owned_and_deleted() -> tuple[set[str], set[str]]:
    """Ids of the domains whose folder is owned, and of all domains that were ever deleted."""
    owned = {*Domain.objects.values_list("pk", flat=True), *_owning_deletions().values_list("domain_id", flat=True)}
    return owned, set(DomainDeletion.objects.values_list("domain_id", flat=True))


def _owning_deletions() -> QuerySet[DomainDeletion]:
    """Deletions that still erase the stored mail or keep it."""
    return DomainDeletion.objects.filter(stored_mail__in=[Step.PENDING, Step.KEPT])
