"""An installation of 10,000 domains and 100,000 addresses, and a full sweep of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from backoffice.tables import table
from bench import seeding
from bench.parts.reads import ADDRESSES_EACH, DOMAINS
from bench.requests import progress
from inbound.tests.processes.support.stack import ROOT, Stack
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.emulator.state.receipt_rules import RuleSet, with_defaults
from ses_integration.plan.compile import DesiredState
from ses_integration.reconcile.snapshot import desired_of

NOTES = """SECONDS include the emulator's time but no rate limit: at one call per second, add one second for each SES call.
CPU S and MEMORY (VmHWM in MB) are those of the sweeping process; BEFORE is Django alone."""


def _seed() -> None:
    """Create rows and ledger."""
    progress(f"Writing {DOMAINS} domains and {DOMAINS * ADDRESSES_EACH} addresses …")
    account = seeding.create_account("size")
    domains = seeding.create_domains(account.owner, (f"d{number}.size.example.com" for number in range(DOMAINS)))
    seeding.create_addresses(domains, account.endpoint_id, ADDRESSES_EACH)
    seeding.record_as_confirmed()
    seeding.analyze()


def measure(stack: Stack) -> str:
    """Run the part `sweep`: the emulator in this process, so that it can be filled without HTTP, the sweep in another."""
    _seed()
    emulator = Emulator(port=stack.aws.port)
    emulator.start()
    try:
        fill(emulator, desired_of(ses_config(), None))
        rows = []
        for which in ("database", "ses"):
            progress(f"Sweeping: {which} …")
            emulator.clear_journal()
            figures = _sweep(stack, which)
            rows.append(
                [
                    which,
                    str(figures["statements"]),
                    str(len(emulator.journal())),
                    f"{figures['seconds']:.1f}",
                    f"{figures['processor']:.1f}",
                    f"{figures['before']:.0f}",
                    f"{figures['peak']:.0f}",
                ]
            )
    finally:
        emulator.stop()
    head = ["FULL SWEEP", "SQL", "SES CALLS", "SECONDS", "CPU S", "MEMORY BEFORE", "PEAK"]
    return f"{table(head, rows)}\n\n{NOTES}"


def fill(emulator: Emulator, desired: dict[str, DesiredState]) -> None:
    """Fill SES as if every domain had been added, beyond its quota of rules."""
    config = ses_config()
    region = emulator.region(config.region)
    rules = [
        with_defaults(
            {
                "Name": rule.name,
                "Enabled": True,
                "ScanEnabled": True,
                "Recipients": sorted(rule.recipients),
                "Actions": [{"S3Action": {"BucketName": rule.bucket, "ObjectKeyPrefix": rule.key_prefix}}],
            }
        )
        for state in desired.values()
        for rule in state.rules
    ]
    region.rules.rule_sets[config.rule_set] = RuleSet(config.rule_set, rules=rules)
    region.rules.set_active_receipt_rule_set(config.rule_set)
    emulator.set_quotas(rules=len(rules), identities=len(desired))
    for name in desired:
        region.identities.create(name, dkim=True)


def _sweep(stack: Stack, which: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.parts.sweep_process", which]
    done = subprocess.run(command, env=stack.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["differing"]:
        raise RuntimeError(f"The sweep found {figures['differing']} domains that differ: the seeding is wrong.")
    return figures
