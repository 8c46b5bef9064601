"""The cost of every operation: SQL statements, SES calls and latency, with one client and with eight."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import compare
from bench.parts.operation_list import DOMAINS_OF_ELEVEN, LIFECYCLE, LISTED, LISTS, READS_PER_LANE, SAME_DOMAIN, Lane
from bench.requests import Request, Run, run, run_and_count
from bench.sides import Seeded, Side, started, wait_for_sweep
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Stack

# Number of clients -> number of lanes.
LANES = {1: 12, 8: 40}
SEEDING_CLIENTS = 8
LISTED_DOMAIN = "listed.example.net"
COLUMNS = [compare.RATE, compare.P50, compare.P99, compare.CPU, compare.SES_CALLS]
NOTES = f"""SQL: statements of a request without concurrency. SES CALLS: per request, including those the worker finished. P99 of a
few dozen requests is the slowest one. The emulator answers at once and without a rate limit; SES allows one call per
second. A response after 5 s has stopped waiting for SES, and the worker goes on.
{compare.NOTES}"""


def measure(sides: Sequence[Side], rounds: int) -> str:
    with started(sides, "operations") as stacks:
        subjects = [Operations(side, stack, _seed(side, stack)) for side, stack in zip(sides, stacks, strict=True)]
        comparison = compare.Comparison(sides, subjects)
        comparison.count()
        comparison.measure(rounds, LANES)
        return f"{comparison.text(COLUMNS)}\n\n{comparison.memory()}\n\n{NOTES}"


def _seed(side: Side, stack: Stack) -> dict[str, Seeded]:
    """The account that works, with a domain to list the addresses of, and one with domains to list."""
    wait_for_sweep(stack)
    listed = {f"d{number}.listed.example.org": 0 for number in range(LISTED)}
    return side.seed("confirmed", {"bench": {"domains": {LISTED_DOMAIN: LISTED}}, "lister": {"domains": listed}})


@dataclass(frozen=True, slots=True)
class Operations:
    side: Side
    stack: Stack
    accounts: dict[str, Seeded]

    def runs(self, api: Api, *, clients: int, amount: int, name: str) -> Iterator[tuple[str, Run]]:
        own = api.with_key(self.accounts["bench"].key)
        yield from run_lanes(self.stack, own, self.accounts["bench"].endpoint, clients, amount, name)
        yield SAME_DOMAIN, self._same_domain(own, clients, amount, name)
        yield DOMAINS_OF_ELEVEN, delete_domains_of_eleven(self.side, self.stack, api, clients, amount, name)
        for title, account, path in LISTS:
            domain = self.accounts["bench"].domains[LISTED_DOMAIN]
            requests = [Request("GET", path.format(domain=domain), lane=n) for n in range(amount * READS_PER_LANE)]
            reader = api.with_key(self.accounts[account].key)
            yield title, run_and_count(self.stack, reader, requests, clients=clients)

    def _same_domain(self, api: Api, clients: int, count: int, name: str) -> Run:
        """Delete all addresses of one domain except one."""
        name = f"{name}.same.example.com"
        domain = api.add_domain(name)
        bodies = [{"address": f"a{number}@{name}", "domainId": domain} for number in range(count + 1)]
        adding = [Request("POST", "email-addresses", body, lane) for lane, body in enumerate(bodies)]
        added = run(api, adding, clients=SEEDING_CLIENTS, seconds=math.inf).answers
        requests = [Request("DELETE", f"email-addresses/{added[lane].body['id']}", lane=lane) for lane in range(count)]
        return run_and_count(self.stack, api, requests, clients=clients)


def run_lanes(stack: Stack, api: Api, endpoint: str, clients: int, count: int, name: str) -> Iterator[tuple[str, Run]]:
    """Take `count` new domains through LIFECYCLE. Only those that an operation reached in time go on to the next."""
    lanes = [Lane(number, f"d{number}.{name}.example.com", endpoint) for number in range(count)]
    left_behind: list[Lane] = []
    for operation in LIFECYCLE:
        result = run_and_count(stack, api, [operation.request(lane) for lane in lanes], clients=clients)
        left_behind += [lane for lane in lanes if lane.number not in result.answers and lane.domain_id]
        lanes = [lane for lane in lanes if lane.number in result.answers]
        for lane in lanes:
            operation.remember(lane, result.answers[lane.number])
        yield operation.title, result
    # Their rules would count towards the quota of SES.
    deletions = [lane.request("DELETE", f"domains/{lane.domain_id}") for lane in left_behind]
    run(api, deletions, clients=SEEDING_CLIENTS, seconds=math.inf)


def delete_domains_of_eleven(side: Side, stack: Stack, api: Api, clients: int, count: int, name: str) -> Run:
    names = {f"d{number}.{name}.eleven.example.com": 11 for number in range(count)}
    account = side.seed_into_ses(stack, f"eleven {name}", names)
    requests = [Request("DELETE", f"domains/{pk}", lane=lane) for lane, pk in enumerate(account.domains.values())]
    return run_and_count(stack, api.with_key(account.key), requests, clients=clients)
