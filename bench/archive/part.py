"""The export of 100,000 mails of 10 kB by a mail worker that is killed half-way, and their import into the same domain."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
import time
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Any

from django.utils import timezone

from archives.exports.service import start_export
from archives.models import Export
from backoffice.tables import table
from bench import seeding
from bench.archive.importing import Importing
from bench.requests import peak_memory, progress
from domains.models import Domain
from inbound.tests.processes.support.mail_stack import MailStack
from inbound.tests.processes.support.stack import Process, wait_for
from mail.models import Message
from ses_integration.conf import ses_config
from ses_integration.emulator import stored_objects
from ses_integration.emulator.server import Emulator

MAILS, MAIL_BYTES = 100_000, 10_000
# Much longer than it takes.
TIMEOUT_SECONDS = 3600.0
HEAD = ["EXPORTED BY", "MAILS", "PARTS", "SECONDS", "MAILS/S", "MEMORY BEFORE", "PEAK"]
NOTES = """SECONDS: from the start of the worker, including the emulator's time. The first worker is killed half-way; the second
waits until the claim of the first has expired (up to three minutes). MEMORY: VmHWM in MB of all its processes; BEFORE is the
worker after its start. Every mail of the archive was compared with what was stored."""


def measure(stack: MailStack, mails: int = MAILS) -> str:
    """Run the part `archive`. The emulator runs in this process, so that it can be filled without HTTP."""
    os.environ["AWS_ENDPOINT_URL"] = stack.env["AWS_ENDPOINT_URL"]
    emulator = Emulator(port=stack.aws.port)
    emulator.start()
    try:
        stack.command("ses_setup")
        return _Exporting(stack, mails).text()
    finally:
        stack.stop()
        emulator.stop()


def content(number: int) -> bytes:
    """A mail of MAIL_BYTES, of which a quarter can be compressed away, as of an attachment."""
    lines = b64encode(random.Random(number).randbytes(MAIL_BYTES * 3 // 4))  # noqa: S311 - no secret
    return f"Subject: {number}\r\n\r\n".encode() + lines[: MAIL_BYTES - 30]


class _Exporting:
    def __init__(self, stack: MailStack, mails: int) -> None:
        self._stack = stack
        self._mails = mails
        self._rows: list[list[str]] = []
        self._known = (0, 0)

    def text(self) -> str:
        account = seeding.create_account("exporting")
        (domain,) = seeding.create_domains(account.owner, ["exporting.example.com"])
        progress(f"Storing {self._mails} mails …")
        self._store(domain)
        start_export(domain=domain, account=account.owner)
        self._first_worker()
        waited = self._second_worker()
        progress("Comparing every mail …")
        with tempfile.TemporaryFile() as file:
            self._compare(file)
            whole = f"The archive has {file.seek(0, 2):,} bytes. From the kill to the next part: {waited:.0f} s."
            imported = Importing(self._stack, account.key, self._mails, content).text(domain, file)
        return f"{table(HEAD, self._rows)}\n\n{NOTES}\n\n{whole}\n\n{imported}"

    def _store(self, domain: Domain) -> None:
        bucket, prefix, now = ses_config().bucket, domain.key_prefix, timezone.now()
        keys = [f"{number:08}" for number in range(self._mails)]
        stored_objects.store_versions(
            bucket, ((f"{prefix}{key}", [content(number)]) for number, key in enumerate(keys))
        )
        rows = (
            Message(
                domain=domain,
                bucket=bucket,
                ses_id=key,
                key=f"{prefix}{key}",
                size=MAIL_BYTES,
                source=Message.Source.QUEUE,
                state=Message.State.INGESTED,
                retry_at=None,
                arrived_at=now - timedelta(seconds=self._mails - number),
            )
            for number, key in enumerate(keys)
        )
        Message.objects.bulk_create(rows, batch_size=seeding.BATCH)

    def _first_worker(self) -> None:
        worker = self._stack.mail_worker
        began, before = self._started(worker)
        wait_for(lambda: self._done()[0] >= self._mails // 2, within=TIMEOUT_SECONDS, what="half of it was exported")
        peak = _peak(worker)
        worker.kill()
        self._note("first worker, killed", began, (before, peak))

    def _second_worker(self) -> float:
        killed, known = time.monotonic(), self._known
        worker = self._stack.another_mail_worker("second mail worker")
        _, before = self._started(worker)
        wait_for(lambda: self._done() > known, within=TIMEOUT_SECONDS, what="it was resumed")
        resumed = time.monotonic()
        wait_for(lambda: self._export().state == "ready", within=TIMEOUT_SECONDS, what="the archive was complete")
        self._note("second worker, from its first part on", resumed, (before, _peak(worker)))
        worker.stop()
        return resumed - killed

    def _started(self, worker: Process) -> tuple[float, str]:
        worker.start()
        return time.monotonic(), _peak(worker)

    def _note(self, who: str, began: float, memory: tuple[str, str]) -> None:
        seconds = time.monotonic() - began
        done = self._done()
        mails, parts = done[0] - self._known[0], done[1] - self._known[1]
        self._known = done
        progress(f"{who}: {mails} mails in {seconds:.1f} s")
        self._rows.append([who, str(mails), str(parts), f"{seconds:.1f}", f"{mails / seconds:.0f}", *memory])

    def _done(self) -> tuple[int, int]:
        export = self._export()
        return export.counts.get("mails", 0), export.parts

    def _export(self) -> Export:
        return Export.objects.get()

    def _compare(self, file: IO[bytes]) -> None:
        """Hold every mail against what was stored, and every index against the manifest."""
        _, pieces = self._export().archive.stream()
        for piece in pieces:
            file.write(piece)
        with zipfile.ZipFile(file) as archive:
            manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
            seen = set()
            for name, sha256 in ((each["name"], each["sha256"]) for each in manifest["files"]):
                held = archive.read(name)
                if hashlib.sha256(held).hexdigest() != sha256:
                    raise RuntimeError(f"{name} is not what the manifest says.")
                for mail in _mails_of(name, held):
                    number = int(mail["sesMessageId"])
                    if archive.read(mail["file"]) != content(number):
                        raise RuntimeError(f"{mail['file']} is not what was stored.")
                    seen.add(number)
        if len(seen) != self._mails or manifest["counts"]["mails"] != self._mails:
            raise RuntimeError(f"{len(seen)} of {self._mails} mails are in the archive.")


def _mails_of(name: str, held: bytes) -> Iterator[dict[str, Any]]:
    if name.startswith("mails/"):
        yield from map(json.loads, held.splitlines())


def _peak(process: Process) -> str:
    return f"{sum(peak_memory(process.group)):.0f}"
