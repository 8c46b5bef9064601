"""SES's side of `ses_cleanup`: what is left over in SES and in the bucket, and its removal.

Which domains exist, and which were deleted, is known to the app above: `domains.cleanup`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ses_integration.aws.observe import observe_with_active_set
from ses_integration.aws.observed import ObservedRule
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

__all__ = ["NEEDED", "Drift", "LeftoverSearch", "Leftovers", "PreviousScope", "ReferenceMail", "Stored"]

ANOTHER_ACCOUNT = (
    "it is in another AWS account than the present credentials, or nobody knows in which. Run this with its credentials; "
    "if that account is closed, or was cleaned up by hand, --forget-former forgets it."
)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What one search has found.

    `orphans` look like ours and are in no ledger. `lookalikes` are foreign rules with our prefix. `folders` are the prefixes in
    the bucket that are named like ours, each with the rules that store mail there. `pending` has the reason by domain.

    `recorded` are the domains that ledger and sync states know in any scope, `in_ses` those that SES has a rule or an identity
    of. `owners` are other installations, by the domain whose identity has their tag.
    """

    orphans: list[Drift]
    lookalikes: list[Drift]
    folders: dict[str, list[str]]
    reference_mail: list[ReferenceMail]
    previous_scopes: list[PreviousScope]
    pending: dict[str, str]
    recorded: set[str]
    in_ses: set[str]
    owners: dict[str, str]


class LeftoverSearch:
    """A search of SES and the bucket, for one `domain` if it is given. It can be repeated.

    It remembers the identity tags that it has read, because each costs a call. `progress` is called with the kind of
    look-up, its number (from 1) and how many there are. All methods raise SesError if AWS cannot be asked.
    """

    def __init__(self, domain: str, progress: Callable[[str, int, int], None]) -> None:
        self.domain = domain
        self._config = ses_config()
        self._progress = progress
        self._tags: dict[str, str] = {}

    def find(self) -> Leftovers:
        """Compare SES with rows and ledger, and list the bucket. Changes nothing.

        Costs a call for each identity that is in no ledger, to read its tag, and one for each domain in the bucket.
        """
        config = self._config
        comparison = compare(
            config, tags=self._tags_to_read, owners=self._tags, progress=partial(self._progress, "identities")
        )
        found = [drift for drift in comparison.found if self._concerns(drift.domain)]
        rules = comparison.seen.all_rules
        folders, reference_mail = list_folders(self.domain, progress=partial(self._progress, "stored mail"))
        recorded = (model.objects.values_list("domain", flat=True) for model in (DomainSync, LedgerEntry))
        return Leftovers(
            orphans=[drift for drift in found if drift.kind is DriftKind.ORPHAN],
            lookalikes=[drift for drift in found if self._is_lookalike(drift)],
            folders={prefix: self._storing_in(prefix, rules) for prefix in folders},
            reference_mail=reference_mail,
            previous_scopes=[] if self.domain else find_previous_scopes(config),
            pending={
                state.domain: state.backlog for state in states_of(pending_domains()) if self._concerns(state.domain)
            },
            recorded=set().union(*recorded),
            in_ses=set(comparison.seen.identities).union(*(rule.domains for rule in rules)),
            owners={name: tag for name, tag in self._tags.items() if tag not in ("", config.installation_id)},
        )

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
