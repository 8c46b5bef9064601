"""An installation of 10,000 domains and 100,000 addresses, and a full sweep of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench import seeding
from bench.measuring import progress
from inbound.tests.processes.stack import ROOT, Stack
from ses_integration.cli.tables import table
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.emulator.state.receipt_rules import RuleSet, with_defaults
from ses_integration.plan.compile import DesiredState
from ses_integration.reconcile.snapshot import desired_of

DOMAINS = 10_000
ADDRESSES_EACH = 10
NOTES = """SECONDS hold the emulator's own time, and no waiting for a slot: at one call a second add one for each SES call.
CPU S and MEMORY (VmHWM, MB) are those of the process that sweeps; BEFORE is what Django takes."""


def seeded() -> tuple[seeding.Account, list[str]]:
    """Rows and ledger, and the addresses' ids."""
    progress(f"Writing {DOMAINS} domains and {DOMAINS * ADDRESSES_EACH} addresses …")
    account = seeding.account("size")
    domains = seeding.verified_domains(account.owner, (f"d{number}.size.example.com" for number in range(DOMAINS)))
    ids = [row.pk for row in seeding.addresses_of(domains, account.endpoint_id, ADDRESSES_EACH)]
    seeding.settle()
    seeding.analyze()
    return account, ids


def swept(stack: Stack) -> str:
    """The part `sweep`. The emulator is this process's, to be filled past the wire; the sweep is another one."""
    emulator = Emulator(port=stack.aws.port)
    emulator.start()
    try:
        _fill(emulator, desired_of(ses_config(), None))
        rows = []
        for which in ("database", "ses"):
            progress(f"Sweeping: {which} …")
            emulator.clear_journal()
            took = _sweep(stack, which)
            rows.append(
                [
                    which,
                    str(took["statements"]),
                    str(len(emulator.journal())),
                    f"{took['seconds']:.1f}",
                    f"{took['processor']:.1f}",
                    f"{took['before']:.0f}",
                    f"{took['peak']:.0f}",
                ]
            )
    finally:
        emulator.stop()
    head = ["FULL SWEEP", "SQL", "SES CALLS", "SECONDS", "CPU S", "MEMORY BEFORE", "PEAK"]
    return f"{table(head, rows)}\n\n{NOTES}"


def _fill(emulator: Emulator, desired: dict[str, DesiredState]) -> None:
    """As if every domain had been added; past the quota of rules, which this size is beyond."""
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
        for wish in desired.values()
        for rule in wish.rules
    ]
    region.rules.rule_sets[config.rule_set] = RuleSet(config.rule_set, rules=rules)
    region.rules.set_active_receipt_rule_set(config.rule_set)
    emulator.set_quotas(rules=len(rules), identities=len(desired))
    for name in desired:
        region.identities.create(name, dkim=True)


def _sweep(stack: Stack, which: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.sweeping", which]
    done = subprocess.run(command, env=stack.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    took: dict[str, Any] = json.loads(done.stdout)
    if took["differing"]:
        raise RuntimeError(
            f"The sweep found {took['differing']} domains to differ: they were not seeded as they should be."
        )
    return took
