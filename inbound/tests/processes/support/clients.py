"""Clients for the processes: of the API, also from many threads, and of the emulator's control endpoints."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Longer than any answer may take, so that a test sees the time limits of the server.
PATIENCE_SECONDS = 60.0
RULE_CALLS = ("CreateReceiptRule", "UpdateReceiptRule", "DeleteReceiptRule")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, and how long it took."""

    status: int
    body: Any
    seconds: float
    headers: dict[str, str]


class Api:
    """A client of the API with a key. It opens a connection for each request, so threads can share it."""

    def __init__(self, port: int, key: str = "", patience: float = PATIENCE_SECONDS) -> None:
        self.port = port
        self.key = key
        self.patience = patience

    def with_key(self, key: str, patience: float = PATIENCE_SECONDS) -> Api:
        """The same with a key. A request that waits longer than `patience` seconds for its answer raises TimeoutError."""
        return Api(self.port, key, patience)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: Any) -> Answer:
        return self.request("POST", path, body)

    def put(self, path: str, body: Any) -> Answer:
        return self.request("PUT", path, body)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        connection: http.client.HTTPConnection | None = None,
        idempotency_key: str = "",
    ) -> Answer:
        """Send a request to `/api/v2/<path>`. A `connection` that is passed in stays open."""
        own = connection or self.connection()
        headers = {"Authorization": f"Bearer {self.key}"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body)
        started = time.monotonic()
        try:
            own.request(method, f"/api/v2/{path}", payload, headers)
            answer = own.getresponse()
            text = answer.read()
        finally:
            if connection is None:
                own.close()
        seconds = time.monotonic() - started
        return Answer(answer.status, json.loads(text) if text else None, seconds, dict(answer.getheaders()))

    def up(self) -> bool:
        try:
            return self.with_key("").get("domains").status == 401
        except OSError:
            return False

    # Frequent calls; each must succeed.

    def add_domain(self, name: str) -> str:
        """Add it, and return its id."""
        answer = self.post("domains", {"domain": name})
        assert answer.status == 201, answer
        return str(answer.body["id"])

    def add_address(self, domain_id: str, address: str) -> str:
        """Add it, and return its id."""
        answer = self.post("email-addresses", {"address": address, "domainId": domain_id})
        assert answer.status == 201, answer
        return str(answer.body["id"])


class EmulatedAws:
    """The emulator's control endpoints."""

    def __init__(self, port: int) -> None:
        self.port = port

    def up(self) -> bool:
        try:
            self._ask("GET", "/_health")
        except OSError:
            return False
        return True

    def is_set_up(self) -> bool:
        """Whether the bucket exists. The setup creates it last."""
        return any(call["applied"] for call in self.calls("CreateBucket"))

    def journal(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", "/_journal")
        return found

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        """The calls of these actions, in order."""
        return [call for call in self.journal() if call["action"] in actions]

    def refused(self) -> list[dict[str, Any]]:
        """The SES calls that were not answered with success, throttled ones included."""
        return [call for call in self.journal() if call["service"] in ("ses", "sesv2") and call["status"] != 200]

    def clear_journal(self) -> None:
        self._ask("DELETE", "/_journal")

    def limit_rate(self, calls_per_second: float) -> None:
        """Throttle faster calls, as AWS does above one call a second."""
        self._ask("POST", "/_clock", {"calls_per_second": calls_per_second})

    def add_fault(self, **fault: Any) -> None:
        """Add a fault, as described in `ses_integration.emulator.control.faults`."""
        self._ask("POST", "/_faults", {"service": "*", **fault})

    def clear_faults(self) -> None:
        self._ask("DELETE", "/_faults")

    def faults_are_used(self) -> bool:
        """Whether every fault has met its call."""
        return not self._ask("GET", "/_faults")

    def publish(self, records: Any) -> None:
        """Publish DNS records: one, or an answer of the API that lists some."""
        self._ask("POST", "/_dns", records)

    def withdraw(self, name: str, type: str = "") -> None:
        """Remove a name's DNS records of a type, or all of them."""
        self._ask("DELETE", "/_dns", {"name": name, **({"type": type} if type else {})})

    def rules(self, region: str = "eu-west-1", rule_set: str = "inbound-email-rules") -> dict[str, frozenset[str]]:
        """The recipients by rule name."""
        rules = self._region(region).get("rule_sets", {}).get(rule_set, [])
        return {rule["Name"]: frozenset(rule.get("Recipients", [])) for rule in rules}

    def prefixes(self, region: str = "eu-west-1", rule_set: str = "inbound-email-rules") -> dict[str, str]:
        """The key prefix of the stored mail by rule name."""
        rules = self._region(region).get("rule_sets", {}).get(rule_set, [])
        return {rule["Name"]: rule["Actions"][0]["S3Action"]["ObjectKeyPrefix"] for rule in rules}

    def recipients(self) -> frozenset[str]:
        """The recipients of all rules."""
        return frozenset[str]().union(*self.rules().values())

    def identities(self, region: str = "eu-west-1") -> set[str]:
        return {identity["name"] for identity in self._region(region).get("identities", [])}

    def _region(self, region: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", "/_ses").get(region, {})
        return found

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, text
        return json.loads(text)


def simultaneously(act: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Run `act` on every item at the same moment, each in its own thread; the results in order."""
    gate = threading.Barrier(len(items))

    def run(item: Item) -> Result:
        gate.wait()
        return act(item)

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(run, items))


def by_clients(act: Callable[[Item], Result], items: Iterable[Item], *, clients: int) -> list[Result]:
    """Run `act` on every item with so many clients in parallel; the results in order."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(act, items))
