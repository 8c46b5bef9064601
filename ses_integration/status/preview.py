"""Preview the effect of a change on SES, for deletion plans. Makes no call to SES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from django.db.models import Max

from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.coordination.clock import database_now
from ses_integration.errors import NotConfigured
from ses_integration.models import LedgerEntry
from ses_integration.plan.compile import compile_domain
from ses_integration.plan.incarnation import own_rules, rule_digest, visible_to_owner
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.plan.simulate import Forecast, IdentityOutcome, simulate
from ses_integration.plan.spec import DomainSpec
from ses_integration.reconcile import snapshot
from ses_integration.status import confirmation


@dataclass(frozen=True, slots=True)
class Preview(Forecast):
    """Forecast for the owner of a domain. `seconds`: how long the due calls take at SES_CALLS_PER_SECOND, if nobody else
    makes calls; 0 without a limit."""

    domain: str = field(kw_only=True)
    seconds: float = field(kw_only=True)

    @classmethod
    def of(cls, now: DomainSpec, after: DomainSpec | None) -> Self:
        """Calls and changes in SES once the rows of the domain are as in `after`, or gone with None.

        What another incarnation of the name has left in SES is not shown. What another region or rule set may hold is among
        the problems. Reads settings and database only, so it may be called with rows locked.
        """
        config = ses_config()
        layout = quotas.layout(config)
        recorded = snapshot.recorded_of(config, [now.name], database_now()).get(now.name, [])
        forecast = simulate(now.name, compile_domain(after, layout), recorded)
        forecast = visible_to_owner(now, layout, forecast, recorded)
        elsewhere = confirmation.left_elsewhere(now.name)
        rate = config.calls_per_second
        return cls(
            domain=now.name,
            rules=forecast.rules,
            # Without a region no ledger applies, so an empty one proves nothing.
            identity=forecast.identity if config.region else IdentityOutcome.UNKNOWN,
            calls=forecast.calls,
            waiting=forecast.waiting,
            problems=(*forecast.problems, elsewhere) if elsewhere else forecast.problems,
            seconds=round(len(forecast.due) / rate, 1) if rate > 0 else 0.0,
        )

    def confirmed_at(self, *, with_identity: bool) -> datetime | None:
        """When SES last confirmed one of the rules, or the identity; None if it has confirmed none. One statement."""
        names = [rule.name for rule in self.rules] + ([self.domain] if with_identity else [])
        entries = LedgerEntry.objects.of(ses_config()).filter(domain=self.domain, name__in=names)
        moment: datetime | None = entries.exclude(presence=Presence.UNKNOWN).aggregate(last=Max("changed_at"))["last"]
        return moment

    def configuration_problem(self) -> str:
        """A sentence that says why the present settings do not allow the calls, or an empty string.

        Not for use inside a transaction: botocore may ask the metadata service of the host for credentials.
        """
        try:
            clients.require_credentials(ses_config().region)
        except NotConfigured as problem:
            return problem.sentence
        if not ses_config().bucket and any(rule.after for rule in self.rules if rule.changes):
            return "S3_BUCKET_NAME is missing."
        return ""


def own_rule_names(domain: str, key_prefix: str, spec: Callable[[], DomainSpec]) -> list[str]:
    """Names of this domain's rules in the ledger, whether SES holds them or not, sorted.

    One statement if all rules are recorded to store mail under `key_prefix`. If not, `spec` is called, and its addresses
    decide.
    """
    config = ses_config()
    rules = dict(
        LedgerEntry.objects.of(config).filter(domain=domain, kind=ResourceKind.RULE).values_list("name", "digest")
    )
    if {*rules.values()} <= {rule_digest(domain, key_prefix, config.layout)}:
        return sorted(rules)
    recorded = snapshot.recorded_of(config, [domain], database_now()).get(domain, [])
    return sorted(own_rules(spec(), quotas.layout(config), recorded))
