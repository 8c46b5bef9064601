"""Many addresses deleted at once while SES allows one call per second: number of calls, and time until SES is up to date."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from bench import seeding
from bench.requests import Request, progress, run
from domains.models import Domain
from inbound.tests.processes.support.checks import wait_until_idle
from inbound.tests.processes.support.clients import RULE_CALLS
from inbound.tests.processes.support.stack import Stack, running, wait_for
from ses_integration.cli.tables import table

CLIENTS = 32
RATE_LIMIT = {"SES_CALLS_PER_SECOND": "1"}
# Much longer than it takes.
TIMEOUT_SECONDS = 600.0
HEAD = [
    "DELETIONS",
    "DOMAINS",
    "RULE CALLS",
    "CALLS EACH",
    "REFUSED",
    "ANSWERED S",
    "SETTLED S",
    "P50 S",
    "LONGEST S",
    "LATER",
]
NOTES = f"""{CLIENTS} clients; the emulator enforces one call per second, and inbound keeps to it. REFUSED: calls that were
throttled nevertheless. ANSWERED: from the first request to the last response. SETTLED: until nothing is pending. LATER:
responses with `sesRuleUpdated: false`; the worker finished what the request had no time for."""


@dataclass(frozen=True, slots=True)
class Case:
    """A number of deletions, spread evenly over a number of domains."""

    deletions: int
    domains: int


ONE_DOMAIN = [Case(count, 1) for count in (1, 10, 100, 1000)]
# Both cases use the same domains, because SES allows 200 rules.
MANY_DOMAINS = [Case(100, 100), Case(1000, 100)]


def measure(stack: Stack) -> str:
    """Run the part `deletions`. The stack must have RATE_LIMIT in its environment."""
    with running(stack, worker=False):
        account = seeding.create_account("deletions")
        cases = _seed(account)
        progress("Creating the rules in SES …")
        stack.command("ses_sync", SES_CALLS_PER_SECOND="0")
        stack.aws.limit_rate(1.0)
        stack.worker.start()
        # The worker sweeps SES once, at its start.
        wait_for(lambda: stack.aws.calls("ListEmailIdentities"), within=60, what="the worker had swept")
        rows = [_measure_case(stack, account.key, case, ids) for case, ids in cases]
    return f"{table(HEAD, rows)}\n\n{NOTES}"


def _seed(account: seeding.Account) -> list[tuple[Case, list[str]]]:
    """Each case with the ids it deletes. One address of each domain stays, so every SES call is an update."""
    cases = []
    for case in ONE_DOMAIN:
        [domain] = seeding.create_domains(account.owner, [f"of{case.deletions}.deletions.example.com"])
        cases.append((case, _addresses([domain], account, case.deletions)))
        seeding.mark_pending([domain])
    names = [f"d{number}.deletions.example.com" for number in range(MANY_DOMAINS[0].domains)]
    domains = seeding.create_domains(account.owner, names)
    ids = _addresses(domains, account, sum(case.deletions for case in MANY_DOMAINS) // len(domains))
    seeding.mark_pending(domains)
    for case in MANY_DOMAINS:
        cases.append((case, ids[: case.deletions]))
        ids = ids[case.deletions :]
    return cases


def _addresses(domains: list[Domain], account: seeding.Account, each: int) -> list[str]:
    """Ids of `each` new addresses per domain, the domains in turn. Each domain gets one more, which stays."""
    rows = seeding.create_addresses(domains, account.endpoint_id, each + 1)
    return [row.pk for row in sorted(rows, key=lambda row: row.slot) if row.slot < each]


def _measure_case(stack: Stack, key: str, case: Case, ids: list[str]) -> list[str]:
    stack.aws.clear_journal()
    requests = [Request("DELETE", f"email-addresses/{pk}", lane=lane) for lane, pk in enumerate(ids)]
    started = time.monotonic()
    found = run(stack.web_api.with_key(key), requests, clients=CLIENTS, seconds=math.inf)
    wait_until_idle(within=TIMEOUT_SECONDS)
    settled = time.monotonic() - started
    calls = [call for call in stack.aws.calls(*RULE_CALLS) if call["applied"]]
    progress(f"{case.deletions} deletions over {case.domains}: {len(calls)} rule calls in {settled:.1f} s")
    later = [answer for answer in found.answers.values() if not answer.body["cleanup"]["sesRuleUpdated"]]
    return [
        str(case.deletions),
        str(case.domains),
        str(len(calls)),
        f"{len(calls) / case.deletions:.3f}",
        str(len(stack.aws.refused())),
        f"{found.seconds:.1f}",
        f"{settled:.1f}",
        f"{found.latency(0.5) / 1000:.2f}",
        f"{max(answer.seconds for answer in found.answers.values()):.2f}",
        str(len(later)),
    ]
