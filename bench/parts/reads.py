"""Reads from a large installation, without a worker, which would store the DNS records of all new domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import compare
from bench.requests import Request, Run, run_and_count
from bench.sides import Seeded, Side, started
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Stack

DOMAINS = 10_000
ADDRESSES_EACH = 10
LISTED = 100
# Number of clients -> number of requests. Slow ones are cut short.
REQUESTS = {1: 100, 8: 400}
COLUMNS = [compare.RATE, compare.P50, compare.P99, compare.CPU]
PATHS = {
    "first 100 addresses": f"email-addresses?limit={LISTED}",
    "last 100 addresses": f"email-addresses?limit={LISTED}&offset={DOMAINS * ADDRESSES_EACH - LISTED}",
    "100 that SES receives for": f"email-addresses?limit={LISTED}&isReceiptRuleConfigured=true",
    "50 domains": "domains?limit=50",
}


def measure(sides: Sequence[Side], rounds: int) -> str:
    with started(sides, "reads", worker=False) as stacks:
        subjects = [Reads(stack, seed(side)) for side, stack in zip(sides, stacks, strict=True)]
        comparison = compare.Comparison(sides, subjects)
        comparison.count()
        comparison.measure(rounds, REQUESTS)
        return f"{comparison.text(COLUMNS)}\n\n{comparison.memory(worker=False)}\n\n{compare.NOTES}"


def seed(side: Side) -> Seeded:
    names = {f"d{number}.size.example.com": ADDRESSES_EACH for number in range(DOMAINS)}
    return side.seed("confirmed", {"size": {"domains": names}})["size"]


@dataclass(frozen=True, slots=True)
class Reads:
    stack: Stack
    account: Seeded

    def runs(self, api: Api, *, clients: int, amount: int, name: str) -> Iterator[tuple[str, Run]]:
        own = api.with_key(self.account.key)
        first = [ids[0] for ids in self.account.addresses.values()]
        paths_by_title = {title: [path] * amount for title, path in PATHS.items()}
        paths_by_title["one address by id"] = [f"email-addresses/{pk}" for pk in first[:: len(first) // amount]]
        for title, paths in paths_by_title.items():
            requests = [Request("GET", path, lane=lane) for lane, path in enumerate(paths)]
            yield title, run_and_count(self.stack, own, requests, clients=clients)
