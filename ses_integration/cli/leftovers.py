"""SES's side of `ses_cleanup`: what is left over in SES and in the bucket, and its removal.

Which domains exist, and which were deleted, is known to the app above: `domains.cleanup`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ses_integration.aws.observe import Observation, observe_with_active_set
from ses_integration.conf import ses_config
from ses_integration.drift import repair
from ses_integration.drift.adopt import adopt_orphans
from ses_integration.drift.compare import compare
from ses_integration.drift.foreign import NEEDED, all_tags_to_read
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.drift.previous_scopes import PreviousScope, find_previous_scopes, forget, forget_gone
from ses_integration.errors import SesError, WrongAccount
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.status.sync_state import pending_domains, states_of
from ses_integration.storage import erase, inventory
from ses_integration.storage.folders import ReferenceMail, list_folders, rule_storing_in
from ses_integration.storage.inventory import Stored

__all__ = ["NEEDED", "Drift", "LeftoverSearch", "Leftovers", "PreviousScope", "ReferenceMail", "Stored"]

ERASE_SECONDS = 10.0
ANOTHER_ACCOUNT = (
    "it is in another AWS account than the present credentials, or nobody knows in which. Run this with its credentials; "
    "if that account is closed, or was cleaned up by hand, --forget-former forgets it."
)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What one comparison with SES has found.

    `orphans` look like ours and are in no ledger. `lookalikes` are foreign rules with our prefix. `domains` are those that SES
    has a rule or an identity of. `owners` are other installations, by domain.
    """

    orphans: list[Drift]
    lookalikes: list[Drift]
    domains: frozenset[str]
    owners: dict[str, str]
    _seen: Observation
    _bucket: str

    def rule_storing_in(self, prefix: str, without: Collection[str]) -> str:
        """The name of a rule that stores mail under the prefix, or an empty string; `without` are rules that do not count."""
        rules = (rule for rule in self._seen.all_rules if rule.name not in without)
        return rule_storing_in(rules, f"{self._bucket}/{prefix}")


class LeftoverSearch:
    """A search of SES and the bucket, for one `domain` if it is given. Only the methods that remove or forget change anything.

    It remembers the identity tags that it has read, because each costs a call. `progress` is called with the kind of
    look-up, its number (from 1) and how many there are. All methods that ask AWS raise SesError.
    """

    def __init__(self, domain: str, progress: Callable[[str, int, int], None]) -> None:
        self.domain = domain
        self._config = ses_config()
        self._progress = progress
        self._tags: dict[str, str] = {}

    def in_ses(self) -> Leftovers:
        """Compare SES with rows and ledger, and read the tag of every identity that is in no ledger, about one a second."""
        comparison = compare(
            self._config,
            tags=self._tags_to_read,
            owners=self._tags,
            progress=lambda number, total: self._progress("identities", number, total),
        )
        found = [drift for drift in comparison.found if self._concerns(drift.domain)]
        seen = comparison.seen
        return Leftovers(
            orphans=[drift for drift in found if drift.kind is DriftKind.ORPHAN],
            lookalikes=[drift for drift in found if self._is_lookalike(drift)],
            domains=seen.identities.union(*(rule.domains for rule in seen.all_rules)),
            owners={name: tag for name, tag in self._tags.items() if tag not in ("", self._config.installation_id)},
            _seen=seen,
            _bucket=self._config.bucket,
        )

    def in_bucket(self) -> tuple[list[str], list[ReferenceMail]]:
        """The prefixes of all folders like ours, and the mail of the reference service; one call for each domain in the
        bucket."""
        return list_folders(self.domain, progress=lambda number, total: self._progress("stored mail", number, total))

    def previous_scopes(self) -> list[PreviousScope]:
        """What other regions and rule sets may still hold; none if the search is for one domain."""
        return [] if self.domain else find_previous_scopes(self._config)

    def pending(self) -> dict[str, str]:
        """Domains that are not up to date, with the reason."""
        return {state.domain: state.backlog for state in states_of(pending_domains()) if self._concerns(state.domain)}

    def remove_orphans(self, orphans: Sequence[Drift]) -> tuple[int, Iterator[str]]:
        """Adopt the orphans, so that the ordinary loop removes them. Returns the number of domains to reconcile, and an
        iterator that reconciles them one by one and yields their names."""
        domains = adopt_orphans(self._config, orphans)
        return len(domains), repair.reconcile_each(domains)

    def without_rule(self, prefixes: Sequence[str]) -> list[str]:
        """The prefixes under which no rule stores mail, by a new look at SES."""
        rules = observe_with_active_set(self._config).all_rules
        return [prefix for prefix in prefixes if not rule_storing_in(rules, f"{self._config.bucket}/{prefix}")]

    def forget(self, scope: PreviousScope, *, ask_ses: bool) -> int:
        """Delete ledger entries of a previous scope: those that SES does not hold there any more, or all without asking.
        Returns how many."""
        if not ask_ses:
            return forget(scope)
        try:
            return forget_gone(self._config, scope)
        except WrongAccount as error:
            raise SesError(ANOTHER_ACCOUNT) from error

    def _concerns(self, name: str) -> bool:
        return not self.domain or name == self.domain

    def _tags_to_read(self, drift_input: DriftInput) -> list[str]:
        return [name for name in all_tags_to_read(drift_input) if self._concerns(name)]

    def _is_lookalike(self, drift: Drift) -> bool:
        prefix = f"{self._config.rule_prefix}-"
        return drift.kind is DriftKind.FOREIGN and drift.resource == ResourceKind.RULE and drift.name.startswith(prefix)


def recorded_domains() -> set[str]:
    """Names of all domains with a sync state or ledger entry in any region and rule set; two statements."""
    rows = (DomainSync.objects.values_list("domain", flat=True), LedgerEntry.objects.values_list("domain", flat=True))
    return {name for names in rows for name in names}


def count(prefix: str) -> Stored:
    """Count everything under the prefix, one call for each 1,000 versions. Raises SesError."""
    return inventory.count(prefix)


def erase_folder(prefix: str, *, allowed: Callable[[], bool]) -> Iterator[int]:
    """Erase everything under the prefix, and yield how many versions are gone, about every ten seconds.

    `allowed` is asked before each round, and ends it by False. Nothing is recorded: what a crash leaves is found by the next
    search. Raises SesError, also for what S3 keeps.
    """
    erased = 0
    while allowed():
        run = erase.erase(prefix, seconds=ERASE_SECONDS)
        erased += run.versions
        yield erased
        if run.problem:
            raise SesError(run.problem)
        if run.finished:
            return
