"""Clients of the processes: of the API, with many threads at once, and of the emulator's control endpoints."""

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

# More than the server may take, so that it is the server's patience that a test sees.
PATIENCE_SECONDS = 60.0
RULE_CALLS = ("CreateReceiptRule", "UpdateReceiptRule", "DeleteReceiptRule")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how long it took."""

    status: int
    body: Any
    seconds: float
    headers: dict[str, str]


class Api:
    """The API as a client with a key sees it; a connection for each request, so that threads can share it."""

    def __init__(self, port: int, key: str = "") -> None:
        self.port = port
        self.key = key

    def with_key(self, key: str) -> Api:
        return Api(self.port, key)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: Any) -> Answer:
        return self.request("POST", path, body)

    def put(self, path: str, body: Any) -> Answer:
        return self.request("PUT", path, body)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def request(
        self, method: str, path: str, body: Any = None, connection: http.client.HTTPConnection | None = None
    ) -> Answer:
        """One request, on `connection` where that is given, which is then kept open. A path is one below /api/v2/."""
        own = connection or self.connection()
        headers = {"Authorization": f"Bearer {self.key}"}
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

    # What the tests do all the time; each expects to succeed.

    def add_domain(self, name: str) -> str:
        """Its id."""
        answer = self.post("domains", {"domain": name})
        assert answer.status == 201, answer
        return str(answer.body["id"])

    def add_address(self, domain_id: str, address: str) -> str:
        """Its id."""
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
        """Whether the bucket is there, which is made last."""
        return any(call["applied"] for call in self.calls("CreateBucket"))

    def journal(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", "/_journal")
        return found

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        """The calls of these actions so far, in order."""
        return [call for call in self.journal() if call["action"] in actions]

    def refused(self) -> list[dict[str, Any]]:
        """The calls to SES that it did not take, because they came too fast or for any other reason."""
        return [call for call in self.journal() if call["service"] in ("ses", "sesv2") and call["status"] != 200]

    def clear_journal(self) -> None:
        self._ask("DELETE", "/_journal")

    def take_only(self, calls_per_second: float) -> None:
        """Throttle what comes faster, as AWS does above one call a second."""
        self._ask("POST", "/_clock", {"calls_per_second": calls_per_second})

    def behave_badly(self, **fault: Any) -> None:
        """Order a fault (`ses_integration.emulator.control.faults`)."""
        self._ask("POST", "/_faults", {"service": "*", **fault})

    def behave(self) -> None:
        self._ask("DELETE", "/_faults")

    def has_met_its_faults(self) -> bool:
        """Whether the calls that faults were ordered for have arrived."""
        return not self._ask("GET", "/_faults")

    def rules(self, region: str = "eu-west-1", rule_set: str = "inbound-email-rules") -> dict[str, frozenset[str]]:
        """Recipients by rule name."""
        rules = self._region(region).get("rule_sets", {}).get(rule_set, [])
        return {rule["Name"]: frozenset(rule.get("Recipients", [])) for rule in rules}

    def prefixes(self, region: str = "eu-west-1", rule_set: str = "inbound-email-rules") -> dict[str, str]:
        """Where each rule stores the mail, by rule name."""
        rules = self._region(region).get("rule_sets", {}).get(rule_set, [])
        return {rule["Name"]: rule["Actions"][0]["S3Action"]["ObjectKeyPrefix"] for rule in rules}

    def recipients(self) -> frozenset[str]:
        """Everything that some rule receives for."""
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


def at_once(act: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`act` on each item, each in a thread of its own, all set off at the same moment; the results in order."""
    gate = threading.Barrier(len(items))

    def run(item: Item) -> Result:
        gate.wait()
        return act(item)

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(run, items))


def by_clients(act: Callable[[Item], Result], items: Iterable[Item], *, clients: int) -> list[Result]:
    """`act` on each item by so many clients, each of which takes the next item when it has its answer."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(act, items))
