"""Every operation once with counted statements, once by one client and once by eight; and the table of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from bench import seeding
from bench.counting import HEADER
from bench.measuring import Request, Run, peak_memory, progress, run
from bench.operations import CROWD, LIFE, LISTS, READS_PER_LANE, Lane
from domains.models import Domain
from inbound.tests.processes.clients import Api
from inbound.tests.processes.stack import Process, Stack, running
from ses_integration.cli.tables import table

COUNTED_LANES = 3
# Clients, and how many domains go through their lives.
ROUNDS = {1: 12, 8: 40}
NOTES = """SQL: statements of one request that meets nobody. SES CALLS: for each request, those that the worker finished included.
P99 of a few dozen requests is the slowest of them. The emulator answers at once and as often as it is asked; of SES
itself expect one call a second. An answer after 5 s is one that has stopped waiting: the worker goes on."""
# Reads of SES that the worker makes at its own pace.
NOT_CAUSED = ("Describe", "List", "GetIdentity")


@dataclass(slots=True)
class Row:
    """One operation: statements of a request that meets nobody, and a run for each number of clients."""

    title: str
    statements: int = 0
    runs: dict[int, Run] = field(default_factory=dict)

    def cells(self) -> list[str]:
        cells = [self.title, str(self.statements)]
        for found in self.runs.values():
            cells += [
                f"{found.calls_each:.2f}",
                f"{found.each_second:.1f}",
                f"{found.latency(0.5):.0f}",
                f"{found.latency(0.99):.0f}",
            ]
        return cells


def measured(stack: Stack) -> str:
    """The part `operations`."""
    with running(stack):
        report = Report(stack)
        report.measure()
        return report.text()


class Report:
    """Measures, and says what it found."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._titles = [operation.title for operation in LIFE] + [CROWD] + [title for title, _ in LISTS]
        self._rows = {title: Row(title) for title in self._titles}
        self._memory: list[list[str]] = []
        self._account = seeding.account("bench")
        self._lister = seeding.account("lister")
        names = [f"d{number}.listed.example.org" for number in range(seeding.LISTED)]
        seeding.verified_domains(self._lister.owner, names)
        seeding.settle()

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
        """Statements, from a server of its own, so that counting costs the others nothing."""
        progress("Counting statements …")
        server, api = self._stack.server("counting server", DJANGO_SETTINGS_MODULE="bench.settings")
        server.start()
        found: dict[str, list[int]] = {title: [] for title in self._titles}

        def note(title: str, result: Run) -> None:
            found[title] += [int(answer.headers[HEADER]) for answer in result.answers.values()]

        # The first request of a process notes that the key was used, and opens a connection.
        self._live(api, 1, 2, "warm", lambda title, result: None)
        self._live(api, 1, COUNTED_LANES, "counted", note)
        for title, result in self._lists(api, 1, 2 * READS_PER_LANE, listed):
            note(title, result)
        note(CROWD, self._crowd(api, 1, COUNTED_LANES, "counted"))
        server.stop()
        for title, counts in found.items():
            self._rows[title].statements = int(median(counts))

    def _round(self, api: Api, clients: int, lanes: int, listed: str) -> None:
        named = f"{clients} client{'s' if clients > 1 else ''}"

        def note(title: str, result: Run) -> None:
            progress(f"{named}: {title}, {len(result.answers)} times in {result.seconds:.1f} s")
            self._rows[title].runs[clients] = result

        self._live(api, clients, lanes, f"with{clients}", note)
        note(CROWD, self._crowd(api, clients, lanes, f"with{clients}"))
        for title, result in self._lists(api, clients, lanes * READS_PER_LANE, listed):
            note(title, result)

    def _live(self, api: Api, clients: int, lanes: int, name: str, note: Callable[[str, Run], None]) -> None:
        own = api.with_key(self._account.key)
        living = [Lane(number, f"d{number}.{name}.example.com", self._account.endpoint_id) for number in range(lanes)]
        for operation in LIFE:
            result = self._run(own, [operation.ask(lane) for lane in living], clients)
            living = [lane for lane in living if lane.number in result.answers]
            for lane in living:
                operation.keep(lane, result.answers[lane.number])
            note(operation.title, result)

    def _crowd(self, api: Api, clients: int, count: int, name: str) -> Run:
        """All at the same domain, of which one address stays."""
        own = api.with_key(self._account.key)
        _, ids = self._domain_of_many(f"{name}.crowd.example.com", count, api)
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
        """The id of a domain, and those of its addresses but one."""
        own = api.with_key(self._account.key)
        domain = own.add_domain(name)
        rows = seeding.addresses_of([Domain.objects.get(pk=domain)], self._account.endpoint_id, count)
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
