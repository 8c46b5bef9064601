from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from backoffice.shell.arguments import at_least_one
from backoffice.shell.asking import NOTHING_DONE
from rest.names.arguments import domain_name
from ses_integration.cli.base import (
    CommandWithExitCodes,
    Outcome,
    add_confirmation,
    confirmed,
    reconcile_each,
    refuse_unknown,
    removals_in_ses,
    ses_errors_as_command_errors,
)
from ses_integration.cli.drift_report import as_values, report
from ses_integration.conf import SesConfig, ses_config
from ses_integration.drift import repair
from ses_integration.drift.adopt import adopt_reference_rules
from ses_integration.drift.compare import Comparison, compare
from ses_integration.drift.detect import repairable_domains
from ses_integration.drift.model import Drift, DriftKind
from ses_integration.drift.previous_scopes import find_previous_scopes
from ses_integration.models import LedgerEntry
from ses_integration.watch.kept import keep

# A second round finds drift of domains that were dirty already. A third would only find new drift.
ROUNDS = 2
# These concern no domain, so they are shown with every domain.
WITHOUT_DOMAIN = (DriftKind.ELSEWHERE, DriftKind.NOT_ACTIVE)


class Command(CommandWithExitCodes):
    help = (
        "Compare what SES holds with the database, and print the differences as a plan. Changes nothing unless --apply or "
        "--adopt is given, and even then nothing that is not ours. Asks first. Exit code 0 when SES matches the database, 2 "
        "when something differs or a foreign rule takes our mail (after --apply: when something is left), 1 on an error. "
        "Refuses to change anything in a region or rule set that was never used while another one still holds something of "
        "ours, unless --new-region is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="repair SES, one domain after the other")
        parser.add_argument(
            "--adopt",
            action="store_true",
            help="replace rules of the reference service with ours, if our rows receive all of their mail",
        )
        parser.add_argument(
            "--new-region",
            action="store_true",
            help="AWS_REGION or SES_RULE_SET was changed on purpose: create all rules and identities in the new scope",
        )
        parser.add_argument("--domain", metavar="NAME", type=domain_name, help="compare only this domain")
        parser.add_argument("--limit", metavar="N", type=at_least_one, help="change at most N domains. Default: all")
        add_confirmation(parser)
        parser.add_argument("--json", action="store_true", help="print JSON; progress goes to stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        config = ses_config()
        self.tell = self.stdout.write if not options["json"] else partial(self.stderr.write, style_func=str)
        domain: str = options["domain"] or ""
        if domain:
            refuse_unknown(config, [domain])
        elsewhere_only = _elsewhere_only(config)
        if elsewhere_only and (options["apply"] or options["adopt"]) and not options["new_region"]:
            raise CommandError(f"{elsewhere_only} If they were changed on purpose, give --new-region.")
        with ses_errors_as_command_errors():
            comparison = compare(config)
            found = _concerning(domain, comparison)
            chosen = _chosen(found, apply=options["apply"], adopt=options["adopt"])[: options["limit"]]
            applied: dict[str, Any] = {"adopted": [], "domains": {}, "moved": []}
            if chosen:
                self.tell(f"{report(found)}\n\n")
                removed = [drift for drift in found if drift.kind is DriftKind.EXTRA and drift.domain in chosen]
                if not confirmed(self, options, removals_in_ses(config, comparison.seen, removed)):
                    self.tell(NOTHING_DONE)
                    raise SystemExit(2)
                applied = self._carry_out(config, comparison, chosen, apply=options["apply"], adopt=options["adopt"])
                comparison = compare(config)
                found = _concerning(domain, comparison)
        keep(config, comparison)
        if options["json"]:
            values = {
                "region": config.region,
                "ruleSet": config.rule_set,
                "activeRuleSet": comparison.seen.active,
                "equal": not any(drift.is_problem for drift in found),
                "differences": as_values(found),
                **({"applied": applied} if options["apply"] or options["adopt"] else {}),
            }
            self.stdout.write(json.dumps(values, indent=2))
        else:
            self.stdout.write(report(found, others=not chosen))
            if not options["apply"] and repairable_domains(found):
                self.stdout.write(elsewhere_only or "ses_reconcile --apply repairs what is ours.")
        if any(drift.is_problem for drift in found):
            raise SystemExit(2)

    def _carry_out(
        self, config: SesConfig, comparison: Comparison, chosen: Sequence[str], *, apply: bool, adopt: bool
    ) -> dict[str, Any]:
        """Adopt and repair. Return the names of adopted and moved rules, and the outcome by domain."""
        adopted: list[str] = []
        moved: list[str] = []
        outcomes: dict[str, Outcome] = {}
        domains = list(chosen)
        for _ in range(ROUNDS):
            complete = not apply or repair.make_due(config, comparison, domains)
            concerned = [drift for drift in comparison.found if drift.domain in domains]
            if adopt:
                adopted += adopt_reference_rules(config, [drift for drift in concerned if drift.adoptable])
                # The repairs of this round may make rules of the reference service adoptable.
                complete &= not (apply and any(map(_awaits_ours, concerned)))
            outcomes |= reconcile_each(domains, self.tell)
            if apply:
                moved += repair.move_to_front(config, comparison, domains)
            if complete:
                break
            comparison = compare(config)
            left = _chosen(comparison.found, apply=apply, adopt=adopt)
            domains = [domain for domain in domains if domain in left]
        for name in moved:
            self.tell(f"{name}: moved in front of all other rules")
        self.tell("\n")
        return {
            "adopted": adopted,
            "domains": {name: outcome.wire for name, outcome in outcomes.items()},
            "moved": moved,
        }


def _elsewhere_only(config: SesConfig) -> str:
    """A sentence if --apply would create everything a second time, in another scope. Otherwise an empty string."""
    if not config.region or LedgerEntry.objects.of(config).exists():
        return ""
    places = " and ".join(scope.place for scope in find_previous_scopes(config))
    return places and (
        f"inbound has never used {config.region}, rule set {config.rule_set}, but {places}: "
        "set AWS_REGION and SES_RULE_SET to that."
    )


def _awaits_ours(drift: Drift) -> bool:
    return drift.kind is DriftKind.REFERENCE and drift.needed and not drift.to_add


def _concerning(domain: str, comparison: Comparison) -> list[Drift]:
    return [
        drift
        for drift in comparison.found
        if not domain
        or domain in (drift.domain, *drift.takes_from)
        or drift.kind in WITHOUT_DOMAIN
        or drift.takes_everything
    ]


def _chosen(found: Sequence[Drift], *, apply: bool, adopt: bool) -> list[str]:
    return sorted(
        {drift.domain for drift in found if (apply and drift.repairable) or (adopt and drift.adoptable)},
    )
