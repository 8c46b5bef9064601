"""The cost of every operation: SQL statements, SES calls and latency, with one client and with eight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from django.db import transaction

from bench import seeding
from bench.parts.operation_list import LIFECYCLE, LISTS, READS_PER_LANE, SAME_DOMAIN, Lane
from bench.requests import Request, Run, peak_memory, progress, run
from bench.statements import HEADER
from domains.models import Domain
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Process, Stack, running, wait_for
from ses_integration.cli.tables import table

COUNTED_LANES = 3
# Number of clients -> number of lanes.
ROUNDS = {1: 12, 8: 40}
NOTES = """SQL: statements of a request without concurrency. SES CALLS: per request, including those the worker finished. P99 of a
few dozen requests is the slowest one. The emulator answers at once and without a rate limit; SES allows one call per
second. A response after 5 s has stopped waiting for SES, and the worker goes on."""
# SES calls that the worker makes on its own schedule.
NOT_CAUSED = ("Describe", "List", "GetIdentity")


@dataclass(slots=True)
class Row:
    """An operation: its SQL statements, and a run for each number of clients."""

    title: str
    statements: int = 0
    runs: dict[int, Run] = field(default_factory=dict)

    def cells(self) -> list[str]:
        cells = [self.title, str(self.statements)]
        for found in self.runs.values():
            cells += [
                f"{found.calls_per_request:.2f}",
                f"{found.per_second:.1f}",
                f"{found.latency(0.5):.0f}",
                f"{found.latency(0.99):.0f}",
            ]
        return cells


def measure(stack: Stack) -> str:
    with running(stack):
        # The worker sweeps when it starts. It must not repair what is seeded.
        wait_for(lambda: stack.aws.calls("ListEmailIdentities"), within=60, what="the worker had swept")
        report = Report(stack)
        report.measure()
        return report.text()


class Report:
    """The measurements of this part, and their table."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._titles = [operation.title for operation in LIFECYCLE] + [SAME_DOMAIN] + [title for title, _ in LISTS]
        self._rows = {title: Row(title) for title in self._titles}
        self._memory: list[list[str]] = []
        self._account = seeding.create_account("bench")
        self._lister = seeding.create_account("lister")
        names = [f"d{number}.listed.example.org" for number in range(seeding.LISTED)]
        with transaction.atomic():
            seeding.create_domains(self._lister.owner, names)
            seeding.record_as_confirmed()

    def measure(self) -> None:
        listed = self._domain_of_many("listed.example.net", seeding.LISTED - 1, self._stack.web_api)[0]
        self._counted(listed)
        for clients, lanes in ROUNDS.items():
            self._round(self._stack.web_api, clients, lanes, listed)
        self._remember("server, as shipped", self._stack.web)
        self._remember("worker", self._stack.worker)
        self._remember("emulator", self._stack.emulator)

    def text(self) -> str:
        head = ["OPERATION", "SQL"]
        for clients in ROUNDS:
            head += [f"{clients} CLIENT{'S' if clients > 1 else ''}: SES CALLS", "REQ/S", "P50 MS", "P99 MS"]
        rows = table(head, [self._rows[title].cells() for title in self._titles])
        memory = table(["PEAK MEMORY (VmHWM, MB)", "EACH PROCESS", "TOGETHER"], self._memory)
        return f"{rows}\n\n{NOTES}\n\n{memory}"

    def _counted(self, listed: str) -> None:
        """Count statements on a separate server, so that counting does not slow down the timed runs."""
        progress("Counting statements …")
        server, api = self._stack.server("counting server", DJANGO_SETTINGS_MODULE="bench.settings")
        server.start()
        found: dict[str, list[int]] = {title: [] for title in self._titles}

        def note(title: str, result: Run) -> None:
            found[title] += [int(answer.headers[HEADER]) for answer in result.answers.values()]

        # Warm up: the first request of a process records the use of the key and opens a connection.
        self._run_lanes(api, 1, 2, "warm", lambda title, result: None)
        self._run_lanes(api, 1, COUNTED_LANES, "counted", note)
        for title, result in self._lists(api, 1, 2 * READS_PER_LANE, listed):
            note(title, result)
        note(SAME_DOMAIN, self._same_domain(api, 1, COUNTED_LANES, "counted"))
        server.stop()
        for title, counts in found.items():
            self._rows[title].statements = int(median(counts))

    def _round(self, api: Api, clients: int, lanes: int, listed: str) -> None:
        named = f"{clients} client{'s' if clients > 1 else ''}"

        def note(title: str, result: Run) -> None:
            progress(f"{named}: {title}, {len(result.answers)} times in {result.seconds:.1f} s")
            self._rows[title].runs[clients] = result

        self._run_lanes(api, clients, lanes, f"with{clients}", note)
        note(SAME_DOMAIN, self._same_domain(api, clients, lanes, f"with{clients}"))
        for title, result in self._lists(api, clients, lanes * READS_PER_LANE, listed):
            note(title, result)

    def _run_lanes(self, api: Api, clients: int, lanes: int, name: str, note: Callable[[str, Run], None]) -> None:
        own = api.with_key(self._account.key)
        lanes_left = [
            Lane(number, f"d{number}.{name}.example.com", self._account.endpoint_id) for number in range(lanes)
        ]
        for operation in LIFECYCLE:
            result = self._run(own, [operation.request(lane) for lane in lanes_left], clients)
            lanes_left = [lane for lane in lanes_left if lane.number in result.answers]
            for lane in lanes_left:
                operation.remember(lane, result.answers[lane.number])
            note(operation.title, result)

    def _same_domain(self, api: Api, clients: int, count: int, name: str) -> Run:
        """Delete all addresses of one domain except one."""
        own = api.with_key(self._account.key)
        _, ids = self._domain_of_many(f"{name}.same.example.com", count, api)
        return self._run(
            own, [Request("DELETE", f"email-addresses/{pk}", lane=lane) for lane, pk in enumerate(ids)], clients
        )

    def _lists(self, api: Api, clients: int, count: int, listed: str) -> list[tuple[str, Run]]:
        found = []
        for title, path in LISTS:
            of_addresses = path.startswith("email")
            own = api.with_key((self._account if of_addresses else self._lister).key)
            full = f"{path}&domainId={listed}" if of_addresses else path
            requests = [Request("GET", full, lane=lane) for lane in range(count)]
            found.append((title, self._run(own, requests, clients)))
        return found

    def _domain_of_many(self, name: str, count: int, api: Api) -> tuple[str, list[str]]:
        """Create a domain. Returns its id and the ids of all its addresses except one."""
        own = api.with_key(self._account.key)
        domain = own.add_domain(name)
        rows = seeding.create_addresses([Domain.objects.get(pk=domain)], self._account.endpoint_id, count)
        own.add_address(domain, f"stays@{name}")
        return domain, [row.pk for row in rows]

    def _run(self, api: Api, requests: list[Request], clients: int) -> Run:
        self._stack.aws.clear_journal()
        result = run(api, requests, clients=clients)
        result.ses_calls = sum(
            call["service"] in ("ses", "sesv2") and not call["action"].startswith(NOT_CAUSED)
            for call in self._stack.aws.journal()
        )
        return result

    def _remember(self, name: str, process: Process) -> None:
        peaks = peak_memory(process.group)
        self._memory.append([name, " + ".join(f"{peak:.0f}" for peak in peaks) or "-", f"{sum(peaks):.0f}"])
