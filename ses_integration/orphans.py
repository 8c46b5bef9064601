"""Removing what we once made and no ledger knows any more: after a restore from a backup, or of an older life of ours.

Why it is safe, and forgets nothing when it is killed: nothing is removed from here. An orphan is taken into the ledger, as
something that is there, together with a mark, in one transaction; from then on it is what everything else of ours is. The
ordinary loop plans it from the rows as they are at that moment, so a domain that is added meanwhile keeps what it wants; a
rule goes only once nothing that replaces it is still on its way; and of an identity the loop reads the tag once more and
deletes it only if it is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from ses_integration.compiling import Wanted
from ses_integration.config import SesConfig
from ses_integration.gateway import Gateway
from ses_integration.planning import Kind
from ses_integration.rate import turn
from ses_integration.taking import take_in
from ses_integration.unclaimed import tags_to_read, unclaimed_identities
from ses_integration.world import Difference, World


def every_tag_to_read(world: World) -> list[str]:
    """Of every identity that is in no ledger: its tag is the only thing that tells that it is ours."""
    return sorted({*tags_to_read(world), *unclaimed_identities(world)})


def take_over(config: SesConfig, orphans: Sequence[Difference]) -> list[str]:
    """Give these orphans to the ordinary loop, and return the domains that have to be converged. Raises SesError.

    Reading tags may have taken long: a rule that has changed since, or is gone, is left for the next look.
    """
    rules = [it for it in orphans if it.kind == Kind.RULE]
    domains: list[str] = []
    if rules:
        with turn(config):
            now = {rule.name: tuple(sorted(rule.recipients)) for rule in Gateway(config).rules()}
        domains += [it.domain for it in rules if now.get(it.name) == it.recipients and _take_rule(config, it)]
    domains += [it.name for it in orphans if it.kind == Kind.IDENTITY and _take_identity(config, it.name)]
    return sorted(set(domains))


def _take_rule(config: SesConfig, orphan: Difference) -> bool:
    def allowed(wanted: Wanted) -> bool:
        return wanted.rule(orphan.name) is None

    return take_in(config, Kind.RULE, orphan.name, domain=orphan.domain, recipients=orphan.recipients, allowed=allowed)


def _take_identity(config: SesConfig, name: str) -> bool:
    return take_in(config, Kind.IDENTITY, name, domain=name, allowed=lambda wanted: not wanted.identity)
