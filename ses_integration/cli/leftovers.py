"""SES's side of `ses_cleanup`: what is left over in SES and in the bucket, and its removal.

Which domains exist, and which were deleted, is known to the app above: `domains.cleanup`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ses_integration.aws.observe import Observation, observe_with_active_set
from ses_integration.aws.observed import ObservedRule
from ses_integration.cli.base import Removal, removals_in_ses, sentence_of
from ses_integration.conf import ses_config
from ses_integration.drift.adopt import adopt_orphans
from ses_integration.drift.compare import compare
from ses_integration.drift.foreign import NEEDED, all_tags_to_read
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.drift.previous_scopes import PreviousScope, find_previous_scopes, forget, forget_gone
from ses_integration.errors import SesError, WrongAccount
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.status.sync_state import pending_domains, states_of
from ses_integration.storage.folders import ReferenceMail, list_folders
from ses_integration.storage.inventory import Stored

__all__ = [
    "NEEDED",
    "STORED_MAIL",
    "Drift",
    "LeftoverSearch",
    "Leftovers",
    "PreviousScope",
    "Recorded",
    "ReferenceMail",
    "Stored",
]

# Places that are looked at.
SES, STORED_MAIL = "SES", "stored mail"
NEEDS_SES = "It can only be told from mail in use if SES answers."
ANOTHER_ACCOUNT = (
    "it is in another AWS account than the present credentials, or nobody knows in which. Run this with its credentials; "
    "if that account is closed, or was cleaned up by hand, --forget-former forgets it."
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger and the sync states say. `pending` has the reason by domain."""

    previous_scopes: list[PreviousScope]
    pending: dict[str, str]


@dataclass(slots=True)
class Leftovers:
    """What one search of SES and the bucket has found.

    `orphans` look like ours and are in no ledger. `lookalikes` are foreign rules with our prefix. `folders` are the prefixes in
    the bucket that are named like ours, each with the rules that store mail there.

    `in_ses` are the domains that SES has a rule or an identity of. `owners` are other installations, by the domain whose
    identity has their tag. `not_looked_at` has the reason for each place that did not answer. `seen`: what SES holds.
    """

    orphans: list[Drift] = field(default_factory=list)
    lookalikes: list[Drift] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    reference_mail: list[ReferenceMail] = field(default_factory=list)
    in_ses: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)
    not_looked_at: dict[str, str] = field(default_factory=dict)
    seen: Observation | None = None


class LeftoverSearch:
    """A search of SES and the bucket, for one `domain` if it is given. It can be repeated.

    It remembers the identity tags that it has read, because each costs a call. `progress` is called with the kind of
    look-up, its number (from 1) and how many there are. Methods that change something raise SesError.
    """

    def __init__(self, domain: str, progress: Callable[[str, int, int], None]) -> None:
        self.domain = domain
        self._config = ses_config()
        self._progress = progress
        self._tags: dict[str, str] = {}

    def recorded(self) -> Recorded:
        """What the database says. Asks nobody else."""
        states = states_of(pending_domains())
        return Recorded(
            previous_scopes=[] if self.domain else find_previous_scopes(self._config),
            pending={state.domain: state.backlog for state in states if self._concerns(state.domain)},
        )

    def known_domains(self) -> set[str]:
        """The domains that ledger and sync states know in any scope."""
        return set().union(*(model.objects.values_list("domain", flat=True) for model in (DomainSync, LedgerEntry)))

    def find(self) -> Leftovers:
        """Compare SES with rows and ledger, and list the bucket. Changes nothing.

        Costs a call for each identity that is in no ledger, to read its tag, and one for each domain in the bucket.
        """
        config, found = self._config, Leftovers()
        try:
            comparison = compare(
                config, tags=self._tags_to_read, owners=self._tags, progress=partial(self._progress, "identities")
            )
        except SesError as error:
            # Without its rules nobody knows which folders are in use.
            found.not_looked_at = {SES: sentence_of(error), STORED_MAIL: NEEDS_SES}
            return found
        drifts = [drift for drift in comparison.found if self._concerns(drift.domain)]
        found.seen, rules = comparison.seen, comparison.seen.all_rules
        found.orphans = [drift for drift in drifts if drift.kind is DriftKind.ORPHAN]
        found.lookalikes = [drift for drift in drifts if self._is_lookalike(drift)]
        found.in_ses = set(comparison.seen.identities).union(*(rule.domains for rule in rules))
        found.owners = {name: tag for name, tag in self._tags.items() if tag not in ("", config.installation_id)}
        try:
            folders, found.reference_mail = list_folders(self.domain, progress=partial(self._progress, "stored mail"))
        except SesError as error:
            found.not_looked_at = {STORED_MAIL: sentence_of(error)}
        else:
            found.folders = {prefix: self._storing_in(prefix, rules) for prefix in folders}
        return found

    def removals(self, left: Leftovers, orphans: Sequence[Drift]) -> list[Removal]:
        """How much a plan that removes these orphans removes, of what is ours in SES."""
        return removals_in_ses(self._config, left.seen, orphans) if left.seen else []

    def adopt(self, orphans: Sequence[Drift]) -> list[str]:
        """Record the orphans in the ledger, so that the ordinary loop removes them; returns the domains to reconcile."""
        return adopt_orphans(self._config, orphans)

    def without_rule(self, prefixes: Sequence[str]) -> list[str]:
        """The prefixes under which no rule stores mail, by a new look at SES."""
        rules = observe_with_active_set(self._config).all_rules if prefixes else []
        return [prefix for prefix in prefixes if not self._storing_in(prefix, rules)]

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

    def _storing_in(self, prefix: str, rules: Sequence[ObservedRule]) -> list[str]:
        place = f"{self._config.bucket}/{prefix}"
        return [rule.name for rule in rules if any(key.startswith(place) for key in rule.key_prefixes)]
