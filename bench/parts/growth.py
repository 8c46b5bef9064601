"""What gets slower as an installation grows: the same requests to a small and a large one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import compare
from bench.parts.operation_list import DOMAINS_OF_ELEVEN
from bench.parts.operations import delete_domains_of_eleven, run_lanes
from bench.parts.reads import ADDRESSES_EACH
from bench.requests import Request, Run, run_and_count
from bench.sides import Seeded, Side, started, wait_for_sweep
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Stack

# Number of domains by side.
SIZES = {"SMALL": 100, "LARGE": 10_000}
# Addresses of the domains that addresses are deleted from.
BIG, FEW = 5_000, 10
AMOUNT = 10
# Full on both sides, like the default page of the other lists.
FEWER = "limit=25&"
COLUMNS = [compare.P50, compare.CPU]
NOTES = f"""SMALL has {SIZES["SMALL"]} domains, LARGE {SIZES["LARGE"]:,}, each with {ADDRESSES_EACH} addresses, all of one account.
Most of them are only in rows and ledger, because SES cannot hold that many. What is changed is in SES as well.
{compare.NOTES}"""

# Every filter of every list, by path.
LISTS = {
    "email-addresses": [
        "",
        "domainId={domain}",
        *(f"{name}={value}" for name in ("isActive", "isReceiptRuleConfigured") for value in ("true", "false")),
    ],
    "domains": [
        "",
        "status=verified",
        f"{FEWER}status=pending",
        f"{FEWER}status=failed",
        "canReceive=true",
        "canReceive=false",
    ],
    "dns-records": ["", "domainId={domain}"],
    "blocked-emails": ["", "domainId={domain}"],
    "deletions": ["", "finished=true", "finished=false"],
    "endpoints": ["", "type=webhook", "type=email", "active=true", "active=false", "sortBy=oldest"],
    "ses/status": [""],
}
READS = [
    "email-addresses/{address}",
    "email-addresses/{address}/deletion-plan",
    "domains/{domain}",
    "domains/{domain}/dns-records",
    "email-addresses?limit=100",
    "domains?limit=100",
    *(f"{path}?{query}".rstrip("?") for path, queries in LISTS.items() for query in queries),
]


def measure(sides: Sequence[Side], rounds: int) -> str:
    """Run the part `growth`. The names of the sides are those of SIZES."""
    deletions = rounds * AMOUNT + compare.WARM_AMOUNT * 2 + compare.COUNTED_AMOUNT
    # The default quotas of SES are too small for the larger side.
    room = started(sides, "growth", DJANGO_SETTINGS_MODULE="bench.settings", SES_MAX_IDENTITIES="20000")
    with room as stacks:
        subjects = [_seeded(side, stack, deletions) for side, stack in zip(sides, stacks, strict=True)]
        comparison = compare.Comparison(sides, subjects)
        comparison.count()
        comparison.measure(rounds, {1: AMOUNT})
        return f"{comparison.text(COLUMNS)}\n\n{comparison.memory()}\n\n{NOTES}"


def _seeded(side: Side, stack: Stack, deletions: int) -> Growth:
    """`deletions`: how many addresses to delete from a domain of BIG, or from as many domains of FEW."""
    wait_for_sweep(stack)
    names = {f"d{number}.size.example.com": ADDRESSES_EACH for number in range(SIZES[side.name])}
    account = side.seed("confirmed", {"size": {"domains": names, "related": True}})["size"]
    few = {f"d{number}.few.example.com": FEW for number in range(deletions)}
    targets = side.seed_into_ses(stack, "targets", few if side.name == "SMALL" else {"big.example.com": BIG})
    ids = [pk for of_domain in targets.addresses.values() for pk in of_domain]
    return Growth(side, stack, account, targets, ids[:: FEW if side.name == "SMALL" else 1][:deletions])


@dataclass(frozen=True, slots=True)
class Growth:
    """`targets`: the account of the addresses to delete, whose ids are `left`."""

    side: Side
    stack: Stack
    account: Seeded
    targets: Seeded
    left: list[str]

    def runs(self, api: Api, *, clients: int, amount: int, name: str) -> Iterator[tuple[str, Run]]:
        own = api.with_key(self.account.key)
        # Every second domain is an ordinary one (`seeding.create_related`).
        domain = self.account.domains["d5.size.example.com"]
        address = self.account.addresses["d5.size.example.com"][0]
        for path in READS:
            reading = [Request("GET", path.format(domain=domain, address=address), lane=n) for n in range(amount)]
            yield path, run_and_count(self.stack, own, reading, clients=clients)
        yield from run_lanes(self.stack, own, self.account.endpoint, clients, amount, name)
        deleting = [Request("DELETE", f"email-addresses/{self.left.pop()}", lane=lane) for lane in range(amount)]
        title = f"delete one of {FEW} or of {BIG:,} addresses"
        yield title, run_and_count(self.stack, api.with_key(self.targets.key), deleting, clients=clients)
        yield DOMAINS_OF_ELEVEN, delete_domains_of_eleven(self.side, self.stack, api, clients, amount, name)
