"""The measured operations. A lane is a domain that goes through all of them, from creation to deletion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.requests import Request
from inbound.tests.processes.support.clients import Answer

READS_PER_LANE = 5
LISTED = 100


@dataclass(slots=True)
class Lane:
    """A domain and its ids so far."""

    number: int
    name: str
    endpoint_id: str
    domain_id: str = ""
    addresses: list[str] = field(default_factory=list)

    def request(self, method: str, path: str, body: object = None) -> Request:
        return Request(method, path, body, self.number)


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table: the request for a lane, and what the lane remembers of the response."""

    title: str
    request: Callable[[Lane], Request]
    remember: Callable[[Lane, Answer], None] = lambda lane, answer: None


def _new_address(local: str) -> Callable[[Lane], Request]:
    def request(lane: Lane) -> Request:
        body = {"address": f"{local}@{lane.name}", "domainId": lane.domain_id, "endpointId": lane.endpoint_id}
        return lane.request("POST", "email-addresses", body)

    return request


def _remember_domain(lane: Lane, answer: Answer) -> None:
    lane.domain_id = answer.body["id"]


def _remember_address(lane: Lane, answer: Answer) -> None:
    lane.addresses.append(answer.body["id"])


def _catch_all(lane: Lane, *, enabled: bool) -> Request:
    body = {"isCatchAllEnabled": enabled, "catchAllEndpointId": lane.endpoint_id if enabled else None}
    return lane.request("PUT", f"domains/{lane.domain_id}", body)


LIFECYCLE = [
    Operation("create a domain", lambda lane: lane.request("POST", "domains", {"domain": lane.name}), _remember_domain),
    Operation("add its first address", _new_address("first"), _remember_address),
    Operation("add a further address", _new_address("further"), _remember_address),
    Operation("get one address", lambda lane: lane.request("GET", f"email-addresses/{lane.addresses[0]}")),
    Operation(
        "delete an address of several", lambda lane: lane.request("DELETE", f"email-addresses/{lane.addresses.pop()}")
    ),
    Operation("switch catch-all on", lambda lane: _catch_all(lane, enabled=True)),
    Operation(
        "block an address",
        lambda lane: lane.request("POST", "blocked-emails", {"emailAddress": f"spam@{lane.name}", "reason": "spam"}),
    ),
    Operation("switch catch-all off", lambda lane: _catch_all(lane, enabled=False)),
    Operation(
        "delete the last address", lambda lane: lane.request("DELETE", f"email-addresses/{lane.addresses.pop()}")
    ),
    Operation("delete an empty domain", lambda lane: lane.request("DELETE", f"domains/{lane.domain_id}")),
]

# Title, account and path.
LISTS = [
    ("list 100 addresses", "bench", f"email-addresses?limit={LISTED}&domainId={{domain}}"),
    ("list 100 domains", "lister", f"domains?limit={LISTED}"),
]
DOMAINS_OF_ELEVEN = "delete a domain of 11 addresses"
SAME_DOMAIN = "delete addresses of one domain"
