"""Preview the effect of a change on SES, for deletion plans. Makes no call to SES."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.db.models import Max

from ses_integration.aws import clients
from ses_integration.aws.translate import NOT_CONFIGURED
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.coordination.clock import database_now
from ses_integration.models import LedgerEntry
from ses_integration.plan.compile import compile_domain
from ses_integration.plan.incarnation import own_rules, visible_to_owner
from ses_integration.plan.resources import Presence
from ses_integration.plan.simulate import Forecast, IdentityOutcome, simulate
from ses_integration.plan.spec import DomainSpec
from ses_integration.reconcile import snapshot
from ses_integration.status import confirmation


def preview(now: DomainSpec, after: DomainSpec | None) -> Forecast:
    """Forecast for the owner of the domain `now`: calls and changes in SES once its rows are as in `after`, or gone with None.

    What another incarnation of the name has left in SES is not shown. What another region or rule set may hold is among the
    problems. Reads settings and database only, so it may be called with rows locked.
    """
    config, domain = ses_config(), now.name
    layout = quotas.layout(config)
    recorded = snapshot.recorded_of(config, [domain], database_now()).get(domain, [])
    forecast = visible_to_owner(now, layout, simulate(domain, compile_domain(after, layout), recorded), recorded)
    if elsewhere := confirmation.left_elsewhere(domain):
        forecast = replace(forecast, problems=(*forecast.problems, elsewhere))
    if not config.region:
        # Without a region the ledger belongs to nobody, so its being empty proves nothing.
        forecast = replace(forecast, identity=IdentityOutcome.UNKNOWN)
    return replace(forecast, seconds=_seconds(forecast))


def own_rule_names(domain: DomainSpec) -> list[str]:
    """Names of this domain's rules in the ledger, whether SES holds them or not, sorted."""
    config = ses_config()
    recorded = snapshot.recorded_of(config, [domain.name], database_now()).get(domain.name, [])
    return sorted(own_rules(domain, quotas.layout(config), recorded))


def confirmed_at(domain: str, names: Iterable[str]) -> datetime | None:
    """When SES last confirmed one of these rules and identities of `domain`; None if it has confirmed none."""
    entries = LedgerEntry.objects.of(ses_config()).filter(domain=domain, name__in=list(names))
    moment: datetime | None = entries.exclude(presence=Presence.UNKNOWN).aggregate(last=Max("changed_at"))["last"]
    return moment


def configuration_problem(forecast: Forecast) -> str:
    """A sentence that says why the present settings do not allow the forecast's calls, or an empty string.

    Not for use inside a transaction: botocore may ask the metadata service of the host for credentials.
    """
    if not clients.configured():
        return NOT_CONFIGURED
    if not ses_config().bucket and any(rule.after for rule in forecast.rules if rule.changes):
        return "S3_BUCKET_NAME is missing."
    return ""


def _seconds(forecast: Forecast) -> float:
    """How long the due calls take at SES_CALLS_PER_SECOND, if nobody else makes calls; 0 without a limit."""
    rate = ses_config().calls_per_second
    return round(len(forecast.due) / rate, 1) if rate > 0 else 0.0
