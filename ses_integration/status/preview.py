"""SES's part of a plan, from the ledger: no call is made for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.db.models import Max

from ses_integration.aws.translate import NOT_CONFIGURED
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.coordination.clock import database_now
from ses_integration.models import LedgerEntry
from ses_integration.plan.compile import compile_domain
from ses_integration.plan.incarnation import Incarnation, own_rules, visible_to_owner
from ses_integration.plan.resources import Presence
from ses_integration.plan.simulate import Forecast, IdentityOutcome, simulate
from ses_integration.plan.spec import DomainSpec
from ses_integration.reconcile import snapshot
from ses_integration.status import confirmation, sync_state


def preview(incarnation: Incarnation, spec: DomainSpec | None) -> Forecast:
    """What SES will be asked, and will hold, once the rows say that the domain receives like that, or nothing if None.

    For the owner to see: what another life of the name has left in SES is not in it. What is left in another region or
    rule set, before the settings changed, is among the problems.
    """
    config, domain = ses_config(), incarnation.spec.name
    layout = quotas.layout(config)
    entries = snapshot.recorded_of(config, [domain], database_now()).get(domain, [])
    forecast = visible_to_owner(incarnation, layout, simulate(domain, compile_domain(spec, layout), entries), entries)
    if elsewhere := confirmation.left_elsewhere(domain):
        forecast = replace(forecast, problems=(*forecast.problems, elsewhere))
    if not config.region:
        # Without a region this is nobody's ledger, and so its being empty says nothing.
        forecast = replace(forecast, identity=IdentityOutcome.UNKNOWN)
    return replace(forecast, seconds=expected_seconds(forecast), problem=configuration_problem(forecast))


def own_rule_names(incarnation: Incarnation) -> list[str]:
    """The rules of this life that the ledger has, whether SES holds them or not; in order."""
    config, domain = ses_config(), incarnation.spec.name
    entries = snapshot.recorded_of(config, [domain], database_now()).get(domain, [])
    return sorted(own_rules(incarnation, quotas.layout(config), entries))


def expected_seconds(forecast: Forecast) -> float:
    """How long the calls that are due take at SES_CALLS_PER_SECOND, if nobody else calls; 0 without a limit."""
    rate = ses_config().calls_per_second
    return round(len(forecast.due) / rate, 1) if rate > 0 else 0.0


def confirmed_at(domain: str, names: Iterable[str]) -> datetime | None:
    """When SES last confirmed one of these rules and identities of `domain`; None if it has confirmed none of them."""
    entries = LedgerEntry.objects.of(ses_config()).filter(domain=domain, name__in=list(names))
    moment: datetime | None = entries.exclude(presence=Presence.UNKNOWN).aggregate(last=Max("changed_at"))["last"]
    return moment


def configuration_problem(forecast: Forecast) -> str:
    """Why the calls cannot be made with the present settings: a sentence, or an empty string."""
    if not sync_state.configured():
        return NOT_CONFIGURED
    if not ses_config().bucket and any(rule.after for rule in forecast.rules if rule.changes):
        return "S3_BUCKET_NAME is missing."
    return ""
