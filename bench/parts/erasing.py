"""Erasure of 100,000 stored objects with old versions and delete markers, by a worker that is killed half-way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from backoffice.tables import table
from bench import seeding
from bench.requests import peak_memory, progress
from domains.models import DomainDeletion
from inbound.tests.processes.support.stack import Process, Stack, wait_for
from ses_integration.conf import ses_config
from ses_integration.emulator import stored_objects
from ses_integration.emulator.server import Emulator

OBJECTS = 100_000
# Every 5th object has an older version, every 10th a delete marker.
OLDER_EVERY, DELETED_EVERY = 5, 10
MAIL = b"m" * 1000
# Much longer than it takes.
TIMEOUT_SECONDS = 1800.0
HEAD = ["ERASED BY", "VERSIONS", "SECONDS", "VERSIONS/S", "S3 CALLS", "MEMORY BEFORE", "PEAK"]
NOTES = """VERSIONS: as counted in the deletion report, delete markers included. SECONDS: from the first to the last S3 call,
including the emulator's time. The request erases for a second; the first worker is killed half-way; the second waits
until the claim of the first has expired (a minute). MEMORY: VmHWM in MB; BEFORE is the worker after its start."""


def measure(stack: Stack) -> str:
    """Run the part `erasing`. The emulator runs in this process, so that it can be filled without HTTP."""
    emulator = Emulator(port=stack.aws.port)
    emulator.start()
    try:
        stack.command("ses_setup")
        stack.web.start()
        return _Erasing(stack, emulator).text()
    finally:
        stack.stop()
        emulator.stop()


class _Erasing:
    def __init__(self, stack: Stack, emulator: Emulator) -> None:
        self._stack = stack
        self._emulator = emulator
        self._counted = 0
        self._rows: list[list[str]] = []

    def text(self) -> str:
        api = self._stack.web_api.with_key(seeding.create_account("erasing").key)
        domain = api.add_domain("erasing.example.com")
        bucket, prefix = ses_config().bucket, f"emails/erasing.example.com/{domain}/"
        progress(f"Storing {OBJECTS} objects …")
        stored_objects.store_versions(bucket, _histories(prefix))
        seeded = stored_objects.count_versions(bucket, prefix)

        self._emulator.clear_journal()
        answer = api.delete(f"domains/{domain}")
        if answer.status != 200:
            raise RuntimeError(f"{answer}")
        self._note("the request", memory=("-", "-"))
        self._first_worker(seeded // 2)
        waited = self._second_worker()

        record = self._record()
        left = stored_objects.count_versions(bucket, prefix)
        if left or record.erased_versions > seeded:
            raise RuntimeError(f"{left} versions are left; {record.erased_versions} of {seeded} were counted.")
        return f"{table(HEAD, self._rows)}\n\n{NOTES}\n\n{self._totals(record, seeded)}\n{waited}"

    def _first_worker(self, enough: int) -> None:
        worker = self._stack.worker
        before = self._started(worker)
        wait_for(lambda: self._record().erased_versions >= enough, within=TIMEOUT_SECONDS, what="half of it was erased")
        peak = _peak(worker)
        worker.kill()
        self._note("first worker, killed", memory=(before, peak))

    def _second_worker(self) -> str:
        killed = time.monotonic()
        worker = self._stack.another_worker("second worker")
        before = self._started(worker)
        wait_for(lambda: self._record().erased_versions > self._counted, within=TIMEOUT_SECONDS, what="it was resumed")
        waited = time.monotonic() - killed
        wait_for(lambda: self._record().finished_at, within=TIMEOUT_SECONDS, what="all of it was erased")
        self._note("second worker", memory=(before, _peak(worker)))
        return f"From the kill to the next version in the record: {waited:.0f} s."

    def _started(self, worker: Process) -> str:
        self._emulator.clear_journal()
        worker.start()
        return _peak(worker)

    def _note(self, who: str, memory: tuple[str, str]) -> None:
        record = self._record()
        calls = [call for call in self._emulator.journal() if call["action"] in ("ListObjectVersions", "DeleteObjects")]
        versions, seconds = record.erased_versions - self._counted, _seconds(calls)
        self._counted = record.erased_versions
        progress(f"{who}: {versions} versions in {seconds:.1f} s")
        rate = f"{versions / seconds:.0f}" if seconds else "-"
        self._rows.append([who, str(versions), f"{seconds:.1f}", rate, str(len(calls)), *memory])

    def _record(self) -> DomainDeletion:
        return DomainDeletion.objects.get()

    def _totals(self, record: DomainDeletion, seeded: int) -> str:
        head = ["", "STORED", "IN THE RECORD", "NOT COUNTED", "LEFT"]
        markers = OBJECTS // DELETED_EVERY
        size = (seeded - markers) * len(MAIL)
        totals = [
            ("versions", seeded, record.erased_versions),
            ("of these delete markers", markers, record.erased_delete_markers),
            ("bytes", size, record.erased_bytes),
        ]
        rows = [[what, str(stored), str(counted), str(stored - counted), "0"] for what, stored, counted in totals]
        return f"{table(head, rows)}\n\nA page that S3 deleted is not counted if the worker died before it could record it."


def _histories(prefix: str) -> Iterator[tuple[str, list[bytes | None]]]:
    for number in range(OBJECTS):
        older = [MAIL] if number % OLDER_EVERY == 0 else []
        marker = [None] if number % DELETED_EVERY == 0 else []
        yield f"{prefix}{number:06}", [*older, MAIL, *marker]


def _seconds(calls: list[dict[str, Any]]) -> float:
    moments = [datetime.fromisoformat(call["time"]) for call in calls]
    return (max(moments) - min(moments)).total_seconds() if moments else 0.0


def _peak(process: Process) -> str:
    return f"{sum(peak_memory(process.group)):.0f}"
