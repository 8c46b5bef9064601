"""Find what should be gone and is not: orphans in SES and in the bucket, previous scopes, and all pending work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from domains.models import Domain, DomainDeletion
from ses_integration.cli import leftovers
from ses_integration.cli.leftovers import Drift, Leftovers, LeftoverSearch, PreviousScope, ReferenceMail, Stored


@dataclass(frozen=True, slots=True)
class Orphan:
    """A rule or an identity that looks like ours and is in no ledger. `recorded`: its domain is, or was, known here."""

    found: Drift
    recorded: bool

    def removable(self, domain: str) -> bool:
        """Whether --apply may remove it.

        If its domain is not recorded, it may belong to another installation, so `domain` has to name it. A rule that may be
        needed stays until ours is repaired.
        """
        return not self.found.needed and (self.recorded or self.found.domain == domain)


@dataclass(frozen=True, slots=True)
class Folder:
    """`emails/<domain>/<domain id>/` of a domain that is gone or unknown.

    `recorded`: its deletion is recorded here, so it was ours. `rule`: a rule in SES that stores mail there. `owner`: the other
    installation whose tag is on the domain's identity.
    """

    prefix: str
    domain: str
    stored: Stored
    recorded: bool = False
    rule: str = ""
    owner: str = ""

    @property
    def in_use(self) -> bool:
        return bool(self.rule or (self.owner and not self.recorded))

    def removable(self, domain: str) -> bool:
        """Whether --apply may erase it; `domain` has to name it if it is not recorded."""
        return not self.in_use and (self.recorded or self.domain == domain)


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that `ses_cleanup` has found. `domain` is the one that was named, or empty.

    `lookalikes` are foreign rules with our prefix. `pending` has the reason by domain.
    """

    domain: str = ""
    orphans: list[Orphan] = field(default_factory=list)
    lookalikes: list[Drift] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    reference_mail: list[ReferenceMail] = field(default_factory=list)
    previous_scopes: list[PreviousScope] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    deletions: list[DomainDeletion] = field(default_factory=list)

    @property
    def nothing_left(self) -> bool:
        unused = [folder for folder in self.folders if not folder.in_use]
        return not (self.orphans or unused or self.previous_scopes or self.pending or self.deletions)

    @property
    def removable(self) -> list[Orphan | Folder]:
        """What --apply removes."""
        found: list[Orphan | Folder] = [*self.orphans, *self.folders]
        return [finding for finding in found if finding.removable(self.domain)]


@dataclass
class Search:
    """A search that can be repeated. `known`: whether any run has found something of the named domain, wherever it was."""

    ses: LeftoverSearch
    known: bool = False

    def findings(self) -> Findings:
        """Search SES, the bucket and the database. Changes nothing. Raises SesError."""
        domain = self.ses.domain
        left = self.ses.in_ses()
        recorded = recorded_domains()
        orphans = [Orphan(drift, drift.domain in recorded) for drift in left.orphans]
        folders, reference = self._folders(left, orphans)
        self.known = self.known or domain in recorded | left.domains or bool(folders or reference)
        deletions = DomainDeletion.objects.pending().order_by("started_at", "name")
        return Findings(
            domain=domain,
            orphans=orphans,
            lookalikes=left.lookalikes,
            folders=folders,
            reference_mail=reference,
            previous_scopes=self.ses.previous_scopes(),
            pending=self.ses.pending(),
            deletions=[record for record in deletions if domain in ("", record.name)],
        )

    def _folders(self, left: Leftovers, orphans: list[Orphan]) -> tuple[list[Folder], list[ReferenceMail]]:
        # Orphan rules are removed first, so they no longer store mail.
        removed = {orphan.found.name for orphan in orphans if orphan.removable(self.ses.domain)}
        prefixes, reference = self.ses.in_bucket()
        # Read after the bucket: the folder of a domain that was added meanwhile must not look unowned.
        live, erasing, recorded = _domain_ids()
        folders: list[Folder] = []
        for prefix in prefixes:
            name, pk = prefix.split("/")[1:3]
            if pk not in live | erasing and (stored := leftovers.count(prefix)).versions:
                rule = left.rule_storing_in(prefix, without=removed)
                folders.append(Folder(prefix, name, stored, pk in recorded, rule, left.owners.get(name, "")))
        return folders, reference

    def erasable(self, found: Findings) -> list[Folder]:
        """Folders that may be erased, given SES as it is now that the orphan rules are gone. Raises SesError."""
        chosen = [folder for folder in found.folders if folder.removable(found.domain)]
        if not chosen:
            return []
        unused = self.ses.without_rule([folder.prefix for folder in chosen])
        return [folder for folder in chosen if folder.prefix in unused]


def erase(folder: Folder) -> Iterator[int]:
    """Erase the folder while it is unowned, and yield how many versions are gone. Raises SesError."""
    return leftovers.erase_folder(folder.prefix, allowed=partial(is_unowned, folder.prefix))


def is_unowned(prefix: str) -> bool:
    """Whether no domain owns the folder, and no deletion still erases it or keeps its mail."""
    live, erasing, _ = _domain_ids(prefix.split("/")[2])
    return not live and not erasing


def recorded_domains() -> set[str]:
    """Names of all domains this installation has, or ever had, anything to do with; four statements."""
    rows = (Domain.objects.values_list("name", flat=True), DomainDeletion.objects.values_list("name", flat=True))
    return leftovers.recorded_domains().union(*rows)


def _domain_ids(pk: str | None = None) -> tuple[set[str], set[str], set[str]]:
    """Ids of domains, of deletions that still erase or keep the mail, and of all deletions; or only those that equal `pk`."""
    domains, deletions = Domain.objects.all(), DomainDeletion.objects.all()
    if pk is not None:
        domains, deletions = domains.filter(pk=pk), deletions.filter(domain_id=pk)
    erasing = deletions.filter(stored_mail__in=[DomainDeletion.Step.PENDING, DomainDeletion.Step.KEPT])
    return (
        set(domains.values_list("pk", flat=True)),
        set(erasing.values_list("domain_id", flat=True)),
        set(deletions.values_list("domain_id", flat=True)),
    )
