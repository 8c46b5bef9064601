from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from backoffice.tables import table
from backoffice.text import one_line
from ses_integration.aws.gateway import Gateway
from ses_integration.aws.observed import ObservedRule
from ses_integration.cli.base import CommandWithExitCodes, ses_errors_as_command_errors
from ses_integration.conf import ses_config
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import ResourceKind


class Command(CommandWithExitCodes):
    help = "List the receipt rules that SES holds now, in order. Makes one call and changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        with ses_errors_as_command_errors(), rate_limited(config):
            rules = Gateway(config).rules()
        ledger = LedgerEntry.objects.of(config).filter(kind=ResourceKind.RULE)
        domains = dict(ledger.values_list("name", "domain"))
        if options["json"]:
            values = [_as_values(rule, domains.get(rule.name)) for rule in rules]
            told = {"region": config.region, "ruleSet": config.rule_set, "rules": values}
            self.stdout.write(json.dumps(told, indent=2))
        elif rules:
            rows = [_row(rule, domains.get(rule.name, "(not ours)")) for rule in rules]
            self.stdout.write(table(["RULE", "DOMAIN", "RECIPIENTS", "ACTIONS"], rows))
        else:
            self.stdout.write(f"Receipt rule set {config.rule_set} in {config.region} has no rules.")


def _row(rule: ObservedRule, domain: str) -> list[str]:
    name = rule.name if rule.enabled else f"{rule.name} (disabled)"
    return [name, domain, _recipients(rule), "\n".join(map(one_line, rule.targets))]


def _as_values(rule: ObservedRule, domain: str | None) -> dict[str, Any]:
    """`domain` is null if the rule is not ours. A rule without recipients receives everything."""
    return {
        "name": rule.name,
        "domain": domain,
        "enabled": rule.enabled,
        "recipients": sorted(rule.recipients),
        "actions": list(rule.targets),
    }


def _recipients(rule: ObservedRule) -> str:
    return "\n".join(sorted(rule.recipients)) or "EVERY ADDRESS OF EVERY DOMAIN"
