"""Timed requests by one or several clients, and the peak memory of processes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median
from typing import Any

from bench.statements import HEADER
from inbound.tests.processes.support.clients import Answer, Api
from inbound.tests.processes.support.stack import Stack

# A slow operation is measured fewer times, so that the total time stays bounded.
SECONDS_PER_OPERATION = 3.0
# Fields of /proc/<pid>/stat, counted from the state of the process (proc(5)).
GROUP, USER_TICKS, SYSTEM_TICKS = 2, 11, 12
# SES calls that the worker makes on its own schedule.
NOT_CAUSED = ("Describe", "List", "GetIdentity")


class BenchError(Exception):
    """Something cannot be measured. The message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request below /api/v2/, for one lane (see `operation_list`)."""

    method: str
    path: str
    body: Any = None
    lane: int = 0


@dataclass(slots=True)
class Run:
    """The result of a run. `answers`: by lane, for requests that were sent in time."""

    seconds: float = 0.0
    answers: dict[int, Answer] = field(default_factory=dict)
    ses_calls: int = 0
    # Of the server, in seconds.
    cpu: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.answers) / self.seconds if self.seconds else 0.0

    @property
    def calls_per_request(self) -> float:
        return self.ses_calls / len(self.answers) if self.answers else 0.0

    @property
    def statements(self) -> float:
        """The median of a server that counts them (`settings`)."""
        return median(int(answer.headers[HEADER]) for answer in self.answers.values())

    @property
    def cpu_per_request(self) -> float:
        """Milliseconds."""
        return 1000 * self.cpu / len(self.answers) if self.answers else 0.0

    def latency(self, part: float) -> float:
        """A quantile of the latency in milliseconds: `latency(0.5)` is the median."""
        times = sorted(answer.seconds for answer in self.answers.values())
        return 1000 * times[min(len(times) - 1, int(part * len(times)))] if times else 0.0


def run(api: Api, requests: list[Request], *, clients: int, seconds: float = SECONDS_PER_OPERATION) -> Run:
    """Send the requests with `clients` connections in parallel, until all are sent or `seconds` have passed.

    Raises BenchError for an error response.
    """
    waiting: SimpleQueue[Request] = SimpleQueue()
    for request in requests:
        waiting.put(request)
    result = Run()
    errors: list[str] = []
    start = threading.Barrier(clients + 1)

    def client() -> None:
        connection = api.connection()
        connection.connect()
        start.wait()
        deadline = time.monotonic() + seconds
        try:
            for request in _drain(waiting):
                answer = api.request(request.method, request.path, request.body, connection)
                result.answers[request.lane] = answer
                if answer.status >= 300:
                    errors.append(f"{request.method} {request.path}: {answer.status} {answer.body}")
                if errors or time.monotonic() > deadline:
                    return
        except OSError as error:
            errors.append(f"{error!r}")
        finally:
            connection.close()

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    started = time.monotonic()
    for thread in threads:
        thread.join()
    result.seconds = time.monotonic() - started
    if errors:
        raise BenchError(errors[0])
    return result


def run_and_count(stack: Stack, api: Api, requests: list[Request], *, clients: int) -> Run:
    """`run`, with the number of SES calls and the CPU time of the stack's own server."""
    stack.aws.clear_journal()
    cpu = cpu_seconds(stack.web.group)
    result = run(api, requests, clients=clients)
    result.cpu = cpu_seconds(stack.web.group) - cpu
    result.ses_calls = sum(
        call["service"] in ("ses", "sesv2") and not call["action"].startswith(NOT_CAUSED)
        for call in stack.aws.journal()
    )
    return result


def _drain(waiting: SimpleQueue[Request]) -> Iterator[Request]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return


def peak_memory(group: int) -> list[float]:
    """The peak memory (VmHWM) of each process of a group in MB, largest first. Empty without /proc."""
    return sorted((peak for folder, _ in _processes(group) for peak in _high_water(folder)), reverse=True)


def cpu_seconds(group: int) -> float:
    """The CPU time that the processes of a group have used. 0 without /proc."""
    ticks = sum(int(stat[USER_TICKS]) + int(stat[SYSTEM_TICKS]) for _, stat in _processes(group))
    return ticks / os.sysconf("SC_CLK_TCK")


def _processes(group: int) -> Iterator[tuple[Path, list[str]]]:
    """The folder below /proc of each process of a group, and the fields of its `stat` from the third on."""
    for folder in Path("/proc").glob("[0-9]*"):
        # The name of the process is in brackets and may contain anything. A process that has just ended has no file.
        with suppress(OSError):
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(stat[GROUP]) == group:
                yield folder, stat


def own_peak_memory() -> float:
    """The peak memory (VmHWM) of this process in MB, 0 without /proc. `ru_maxrss` would include the parent's."""
    return max(_high_water(Path("/proc/self")), default=0.0)


def _high_water(folder: Path) -> list[float]:
    with suppress(OSError):
        lines = (folder / "status").read_text().splitlines()
        return [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return []


def progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
