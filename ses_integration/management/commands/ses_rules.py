from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from backoffice.tables import table
from backoffice.text import one_line
from ses_integration.aws.gateway import Gateway
from ses_integration.aws.observed import ObservedRule
from ses_integration.cli.base import ses_errors_as_command_errors
from ses_integration.conf import ses_config
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import ResourceKind


class Command(BaseCommand):
    help = "List the receipt rules that SES holds now, in order. Makes one call and changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        with ses_errors_as_command_errors(), rate_limited(config):
            rules = Gateway(config).rules()
        if not rules:
            self.stdout.write(f"Receipt rule set {config.rule_set} in {config.region} has no rules.")
            return
        ledger = LedgerEntry.objects.of(config).filter(kind=ResourceKind.RULE)
        domains = dict(ledger.values_list("name", "domain"))
        self.stdout.write(
            table(
                ["RULE", "DOMAIN", "RECIPIENTS", "ACTIONS"],
                [
                    [
                        rule.name if rule.enabled else f"{rule.name} (disabled)",
                        domains.get(rule.name, "(not ours)"),
                        _recipients(rule),
                        "\n".join(map(one_line, rule.targets)),
                    ]
                    for rule in rules
                ],
            )
        )


def _recipients(rule: ObservedRule) -> str:
    return "\n".join(sorted(rule.recipients)) or "EVERY ADDRESS OF EVERY DOMAIN"
