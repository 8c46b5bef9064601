"""The same operations on one or two sides in alternation, and tables of medians and ratios."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, Protocol, TypeVar

from backoffice.tables import table
from bench.requests import Run, peak_memory, progress
from bench.sides import Side
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Process, Stack

Result = TypeVar("Result")
WARM_CLIENTS, WARM_AMOUNT = 8, 8
COUNTED_AMOUNT = 3
RATIO_NOTE = (
    "The ratio of two sides is the median of the rounds' ratios, and in brackets the smallest and the largest of them."
)
NOTES = f"""CPU MS: of the server's processes, per request. It depends least on what else the machine does.
{RATIO_NOTE}"""


@dataclass(frozen=True)
class Column(Generic[Result]):
    """A figure of a run. `ratio`: with that of two sides. `alone`: only if there is one side."""

    title: str
    value: Callable[[Result], float]
    digits: int = 0
    ratio: bool = False
    alone: bool = False

    def heads(self, names: Sequence[str]) -> list[str]:
        if len(names) == 1:
            return [self.title]
        if self.alone:
            return []
        compared = [f"{names[1]}/{names[0]}"] if self.ratio else []
        return [f"{self.title}: {names[0]}", names[1], *compared]

    def cells(self, rounds: Sequence[Sequence[Result]]) -> list[str]:
        """The median of each side and the ratio. `rounds`: for each round, a result of each side."""
        if self.alone and len(rounds[0]) > 1:
            return []
        values = [[self.value(result) for result in results] for results in rounds]
        cells = [f"{median(side):.{self.digits}f}" for side in zip(*values, strict=True)]
        if self.ratio and len(cells) > 1:
            cells.append(_ratio([later / first for first, later in values if first]))
        return cells


RATE = Column[Run]("REQ/S", lambda run: run.per_second, 1, ratio=True)
P50 = Column[Run]("P50 MS", lambda run: run.latency(0.5), 1, ratio=True)
P99 = Column[Run]("P99 MS", lambda run: run.latency(0.99), alone=True)
CPU = Column[Run]("CPU MS", lambda run: run.cpu_per_request, 1, ratio=True)
SES_CALLS = Column[Run]("SES CALLS", lambda run: run.calls_per_request, 2)
STATEMENTS = Column[Run]("SQL", lambda run: run.statements)


class Subject(Protocol):
    """A running stack with rows, and the operations to measure on it."""

    @property
    def stack(self) -> Stack: ...

    def runs(self, api: Api, *, clients: int, amount: int, name: str) -> Iterator[tuple[str, Run]]:
        """Run the operations, one for each item taken: its title and its run.

        `amount`: how often. `name`: a new one for each call, for new rows.
        """


class Comparison:
    """Runs of the same operations on every side."""

    def __init__(self, sides: Sequence[Side], subjects: Sequence[Subject]) -> None:
        self._names = [side.name for side in sides]
        self._subjects = subjects
        self._counted: dict[str, list[Run]] = {}
        # By title and number of clients: for each round, a run of each side.
        self._rounds: dict[tuple[str, int], list[list[Run]]] = {}

    def count(self) -> None:
        """Count statements on separate servers, so that counting does not slow down the timed runs."""
        for name, subject in zip(self._names, self._subjects, strict=True):
            progress(f"{name} Counting statements …".strip())
            server, api = subject.stack.server("counting server", DJANGO_SETTINGS_MODULE="bench.settings")
            server.start()
            # The first request of a process records the use of the key and opens a connection.
            _run_all(subject, api, WARM_CLIENTS, WARM_AMOUNT, "warm")
            for title, run in subject.runs(api, clients=1, amount=COUNTED_AMOUNT, name="counted"):
                self._counted.setdefault(title, []).append(run)
            server.stop()

    def measure(self, rounds: int, amounts: dict[int, int]) -> None:
        """Run the rounds. `amounts`: how often to run each operation, by number of clients."""
        for subject in self._subjects:
            _run_all(subject, subject.stack.web_api, WARM_CLIENTS, WARM_AMOUNT, "first")
        for number in range(rounds):
            for clients, amount in amounts.items():
                self._round(number, clients, amount)

    def _round(self, number: int, clients: int, amount: int) -> None:
        """Alternate between the sides after each operation. The other side begins in every second round."""
        name = f"r{number}c{clients}"
        subjects = self._subjects[:: -1 if number % 2 else 1]
        runs = [s.runs(s.stack.web_api, clients=clients, amount=amount, name=name) for s in subjects]
        for results in zip(*runs, strict=True):
            title = results[0][0]
            found = [run for _, run in results][:: -1 if number % 2 else 1]
            figures = " and ".join(f"{run.per_second:.1f}" for run in found)
            progress(f"Round {number + 1}, {clients} client{'s' if clients > 1 else ''}: {title}, {figures} requests/s")
            self._rounds.setdefault((title, clients), []).append(found)

    def text(self, columns: Sequence[Column[Run]]) -> str:
        """The table of all operations."""
        head = ["OPERATION", "CLIENTS", *STATEMENTS.heads(self._names)]
        for column in columns:
            head += column.heads(self._names)
        rows = []
        for (title, clients), rounds in sorted(self._rounds.items(), key=lambda item: item[0][1]):
            row = [title, str(clients), *STATEMENTS.cells([self._counted[title]])]
            for column in columns:
                row += column.cells(rounds)
            rows.append(row)
        return table(head, rows)

    def memory(self, *, worker: bool = True) -> str:
        """The table of the peak memory, without the worker if none is running."""
        stacks = [subject.stack for subject in self._subjects]
        processes = {"server": [stack.web for stack in stacks]}
        if worker:
            processes["worker"] = [stack.worker for stack in stacks]
        compared = [f"{self._names[1]}/{self._names[0]}"] if len(stacks) > 1 else []
        head = ["PEAK MEMORY (VmHWM, MB)", *(name or "TOGETHER (EACH PROCESS)" for name in self._names), *compared]
        rows = [[name, *memory_cells(group)] for name, group in processes.items()]
        return table(head, rows)


def memory_cells(processes: Sequence[Process]) -> list[str]:
    """The peak memory of each group of processes in MB, and of two the ratio."""
    peaks = [peak_memory(process.group) for process in processes]
    cells = [f"{sum(group):.0f} ({' + '.join(f'{peak:.0f}' for peak in group) or '-'})" for group in peaks]
    if len(peaks) > 1:
        cells.append(f"{sum(peaks[1]) / (sum(peaks[0]) or 1):.2f}")
    return cells


def _ratio(ratios: list[float]) -> str:
    if not ratios:
        return "-"
    return f"{median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"


def _run_all(subject: Subject, api: Api, clients: int, amount: int, name: str) -> None:
    for _ in subject.runs(api, clients=clients, amount=amount, name=name):
        pass
