"""What should be gone and is not: orphans in SES and in the bucket, what an older configuration left, and what is owed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from domains.cleanup import folders as stored_folders
from domains.cleanup.folders import Folder, ReferenceMail
from domains.models import Domain, DomainDeletion
from ses_integration.aws.observe import observe_with_active_set
from ses_integration.conf import SesConfig
from ses_integration.drift import orphans, previous_scopes, repair
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.drift.previous_scopes import PreviousScope
from ses_integration.errors import SesError
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.storage import erase as stored_mail

ERASE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Orphan:
    """A rule or an identity that looks like ours. `recorded`: something else here knows of its domain."""

    found: Drift
    recorded: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """`suspects` have our prefix, or our kind of name, and are somebody else's all the same."""

    orphans: list[Orphan] = field(default_factory=list)
    suspects: list[Drift] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    reference_mail: list[ReferenceMail] = field(default_factory=list)
    previous_scopes: list[PreviousScope] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    deletions: list[DomainDeletion] = field(default_factory=list)

    @property
    def nothing_left(self) -> bool:
        strangers = [folder for folder in self.folders if not folder.somebody_s]
        return not (self.orphans or strangers or self.previous_scopes or self.pending or self.deletions)


@dataclass
class Search:
    """Looks, and remembers the tags that were read: each costs a call.

    `told` is called with what is looked at, a number (from 1) and how many there are. `known`: whether any look has found
    something of the domain, here, in SES or in the bucket.
    """

    config: SesConfig
    domain: str
    told: Callable[[str, int, int], None]
    known: bool = False
    _owners: dict[str, str] = field(default_factory=dict)

    def findings(self) -> Findings:
        """Changes nothing. Raises SesError."""
        seen = repair.compare(
            self.config,
            tags=self._tags,
            owners=self._owners,
            told=lambda number, total: self.told("identities", number, total),
        )
        here = known_here()
        lost = [
            Orphan(it, it.domain in here)
            for it in seen.found
            if it.sort is DriftKind.ORPHAN and self._wanted(it.domain)
        ]
        orphaned = {it.found.name for it in lost if removable(it, self.domain)}
        folders, reference = stored_folders.find(
            self.config.bucket,
            # An orphan rule stores nothing any more once it is removed, which comes first.
            [rule for rule in seen.seen.all_rules if rule.name not in orphaned],
            {name: owner for name, owner in self._owners.items() if owner not in ("", self.config.installation_id)},
            domain=self.domain,
            told=lambda number, total: self.told("stored mail", number, total),
        )
        elsewhere = seen.seen.identities.union(*(rule.domains for rule in seen.seen.all_rules))
        self.known = self.known or self.domain in here | elsewhere or bool(folders or reference)
        deletions = DomainDeletion.objects.pending().order_by("started_at", "name")
        return Findings(
            orphans=lost,
            suspects=[it for it in seen.found if self._suspect(it) and self._wanted(it.domain)],
            folders=folders,
            reference_mail=reference,
            previous_scopes=[] if self.domain else previous_scopes.find_previous_scopes(self.config),
            pending={name: why for name, why in repair.why_owed(self.config).items() if self._wanted(name)},
            deletions=[record for record in deletions if self._wanted(record.name)],
        )

    def _wanted(self, name: str) -> bool:
        return not self.domain or name == self.domain

    def _tags(self, drift_input: DriftInput) -> list[str]:
        return [name for name in orphans.every_tag_to_read(drift_input) if self._wanted(name)]

    def _suspect(self, it: Drift) -> bool:
        return (
            it.sort is DriftKind.FOREIGN
            and it.kind == ResourceKind.RULE
            and it.name.startswith(f"{self.config.rule_prefix}-")
        )


def known_here() -> frozenset[str]:
    """Names of domains that this installation has, or has had to do with; in any region and rule set."""
    names: set[str] = set()
    for rows in (
        Domain.objects.values_list("name", flat=True),
        DomainDeletion.objects.values_list("name", flat=True),
        DomainSync.objects.values_list("domain", flat=True),
        LedgerEntry.objects.values_list("domain", flat=True),
    ):
        names.update(rows)
    return frozenset(names)


def removable(it: Folder | Orphan, domain: str) -> bool:
    """What is removed is gone for good. So what was never recorded here, and may be another installation's, has to be
    named; what a rule still stores into is somebody's; and what may be needed stays until ours is put right."""
    if isinstance(it, Orphan):
        return not it.found.needed and (it.recorded or it.found.domain == domain)
    return not it.somebody_s and (it.recorded or it.domain == domain)


def erasable(config: SesConfig, folders: Iterable[Folder], domain: str) -> list[Folder]:
    """Those that may be erased now, as SES is after the orphan rules have gone. Raises SesError."""
    chosen = [folder for folder in folders if removable(folder, domain)]
    if not chosen:
        return []
    rules = observe_with_active_set(config).all_rules
    return [folder for folder in chosen if not stored_folders.storing(rules, f"{config.bucket}/{folder.prefix}")]


def erase(folder: Folder) -> Iterator[int]:
    """Erase it, and tell how many versions have gone so far. Raises SesError, also for what S3 keeps.

    Nothing is noted down: what a crash leaves is found again by the next look.
    """
    erased = 0
    while stored_folders.nobody_s(folder):
        run = stored_mail.erase(folder.prefix, seconds=ERASE_SECONDS)
        erased += run.versions
        yield erased
        if run.problem:
            raise SesError(run.problem)
        if run.finished:
            return
