"""Many addresses deleted at once while SES allows one call per second: number of calls, and time until SES is up to date."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from backoffice.tables import table
from bench.compare import RATIO_NOTE, Column
from bench.requests import Request, Run, progress, run
from bench.sides import Seeded, Side, started, wait_for_sweep
from inbound.tests.processes.support.clients import RULE_CALLS
from inbound.tests.processes.support.stack import Stack, wait_for

CLIENTS = 32
CALLS_PER_SECOND = 1.0
# Much longer than it takes.
TIMEOUT_SECONDS = 600.0
NOTES = f"""{CLIENTS} clients; the emulator enforces one call per second, and inbound keeps to it. REFUSED: calls that were
throttled nevertheless. ANSWERED: from the first request to the last response. SETTLED: until SES receives for none of the
addresses. LATER: responses with `sesRuleUpdated: false`; the worker finished what the request had no time for.
{RATIO_NOTE}"""


@dataclass(frozen=True, slots=True)
class Case:
    """A number of deletions, spread evenly over a number of domains."""

    deletions: int
    domains: int

    @property
    def names(self) -> list[str]:
        """The domains. Cases with several share them, because SES allows 200 rules."""
        name = f"of{self.deletions}" if self.domains == 1 else "d{}"
        return [f"{name}.deletions.example.com".format(number) for number in range(self.domains)]


@dataclass(frozen=True, slots=True)
class Outcome:
    run: Run
    settled: float
    rule_calls: int
    refused: int

    @property
    def later(self) -> int:
        return sum(not answer.body["cleanup"]["sesRuleUpdated"] for answer in self.run.answers.values())


CASES = [*(Case(count, 1) for count in (1, 10, 100, 1000)), Case(100, 100), Case(1000, 100)]
COLUMNS = [
    Column[Outcome]("RULE CALLS", lambda outcome: outcome.rule_calls),
    Column[Outcome]("REFUSED", lambda outcome: outcome.refused),
    Column[Outcome]("LATER", lambda outcome: outcome.later),
    Column[Outcome]("ANSWERED S", lambda outcome: outcome.run.seconds, 1, ratio=True),
    Column[Outcome]("SETTLED S", lambda outcome: outcome.settled, 1, ratio=True),
    Column[Outcome]("P50 S", lambda outcome: outcome.run.latency(0.5) / 1000, 2, ratio=True),
    Column[Outcome]("LONGEST S", lambda outcome: outcome.run.latency(1) / 1000, 2),
]


def measure(sides: Sequence[Side], rounds: int) -> str:
    """Run the part `deletions`. Each round starts with an empty database and a new emulator."""
    found: dict[Case, list[list[Outcome]]] = {case: [] for case in CASES}
    for number in range(rounds):
        for side in sides:
            side.empty()
        with started(
            sides, f"deletions {number + 1}", worker=False, SES_CALLS_PER_SECOND=str(CALLS_PER_SECOND)
        ) as stacks:
            accounts = [_prepare(side, stack) for side, stack in zip(sides, stacks, strict=True)]
            for turn, case in enumerate(CASES, number):
                # Each side is first in every second case.
                order = list(enumerate(zip(stacks, accounts, strict=True)))[:: 1 if turn % 2 else -1]
                measured = {side: _measure_case(stack, account, case) for side, (stack, account) in order}
                found[case].append([measured[side] for side in sorted(measured)])
    names = [side.name for side in sides]
    head = ["DELETIONS", "DOMAINS"]
    for column in COLUMNS:
        head += column.heads(names)
    rows = []
    for case, outcomes in found.items():
        row = [str(case.deletions), str(case.domains)]
        for column in COLUMNS:
            row += column.cells(outcomes)
        rows.append(row)
    return f"{table(head, rows)}\n\n{NOTES}"


def _prepare(side: Side, stack: Stack) -> Seeded:
    """Create the addresses in rows and SES. One address of each domain stays, so every SES call is an update."""
    addresses: dict[str, int] = {}
    for case in CASES:
        for name in case.names:
            addresses[name] = addresses.get(name, 1) + case.deletions // case.domains
    account = side.seed("pending", {"deletions": {"domains": addresses}})["deletions"]
    progress(f"{side.name} Creating the rules in SES …".strip())
    stack.command("ses_sync", SES_CALLS_PER_SECOND="0")
    stack.aws.limit_rate(CALLS_PER_SECOND)
    stack.worker.start()
    wait_for_sweep(stack)
    return account


def _measure_case(stack: Stack, account: Seeded, case: Case) -> Outcome:
    stack.aws.clear_journal()
    # Else a side would wait for the slot after its own last call, and the other one would not.
    time.sleep(1 / CALLS_PER_SECOND)
    # The domains in turn. What is used is removed, so that the next case of the same domains does not meet it.
    ids = [account.addresses[name].pop() for _ in range(case.deletions // case.domains) for name in case.names]
    left = sum(len(account.addresses[name]) for name in account.addresses)
    requests = [Request("DELETE", f"email-addresses/{pk}", lane=lane) for lane, pk in enumerate(ids)]
    started_at = time.monotonic()
    result = run(stack.web_api.with_key(account.key), requests, clients=CLIENTS, seconds=math.inf)
    wait_for(lambda: len(stack.aws.recipients()) == left, within=TIMEOUT_SECONDS, what="SES was up to date")
    settled = time.monotonic() - started_at
    calls = [call for call in stack.aws.calls(*RULE_CALLS) if call["applied"]]
    progress(f"{case.deletions} deletions over {case.domains}: {len(calls)} rule calls in {settled:.1f} s")
    return Outcome(result, settled, len(calls), len(stack.aws.refused()))
