"""Removing what we once made and no ledger knows any more: after a restore from a backup, or of an older life of ours.

Why it is safe, and forgets nothing when it is killed: nothing is removed from here. An orphan is taken into the ledger, as
something that is there, together with a mark, in one transaction; from then on it is what everything else of ours is. The
ordinary loop plans it from the rows as they are at that moment, so a domain that is added meanwhile keeps what it wants; a
rule goes only once nothing that replaces it is still on its way; and of an identity the loop reads the tag once more and
deletes it only if it is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import SesConfig
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.drift.adopt import adopt_into_ledger
from ses_integration.drift.foreign import tags_to_read, unclaimed_identities
from ses_integration.drift.model import Drift, DriftInput
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import ResourceKind


def every_tag_to_read(drift_input: DriftInput) -> list[str]:
    """Of every identity that is in no ledger: its tag is the only thing that tells that it is ours."""
    return sorted({*tags_to_read(drift_input), *unclaimed_identities(drift_input)})


def take_over(config: SesConfig, orphans: Sequence[Drift]) -> list[str]:
    """Give these orphans to the ordinary loop, and return the domains that have to be converged. Raises SesError.

    Reading tags may have taken long: a rule that has changed since, or is gone, is left for the next look.
    """
    rules = [it for it in orphans if it.kind == ResourceKind.RULE]
    domains: list[str] = []
    if rules:
        with rate_limited(config):
            now = {rule.name: tuple(sorted(rule.recipients)) for rule in Gateway(config).rules()}
        domains += [it.domain for it in rules if now.get(it.name) == it.recipients and _take_rule(config, it)]
    domains += [it.name for it in orphans if it.kind == ResourceKind.IDENTITY and _take_identity(config, it.name)]
    return sorted(set(domains))


def _take_rule(config: SesConfig, orphan: Drift) -> bool:
    def allowed(desired: DesiredState) -> bool:
        return desired.rule(orphan.name) is None

    return adopt_into_ledger(
        config, ResourceKind.RULE, orphan.name, domain=orphan.domain, recipients=orphan.recipients, allowed=allowed
    )


def _take_identity(config: SesConfig, name: str) -> bool:
    return adopt_into_ledger(
        config, ResourceKind.IDENTITY, name, domain=name, allowed=lambda desired: not desired.identity
    )
