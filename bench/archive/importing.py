"""The import of an archive into an installation whose domain was deleted, by a mail worker that is killed half-way."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import IO

from archives.models import Import
from backoffice.tables import table
from bench.requests import peak_memory, progress
from domains.models import Domain, DomainDeletion
from inbound.tests.processes.support.clients import Answer, Api
from inbound.tests.processes.support.mail_stack import MailStack
from inbound.tests.processes.support.stack import Process, wait_for
from mail.models import Message
from ses_integration.emulator import stored_objects

# Much longer than it takes.
TIMEOUT_SECONDS = 3600.0
BOUNDARY = "archive-of-a-domain"
PIECE = 1024 * 1024
HEAD = ["IMPORTED BY", "MAILS", "SECONDS", "MAILS/S", "MEMORY BEFORE", "PEAK"]
NOTES = """The domain was deleted before, with every object, and the archive was sent to the API. The request verifies the archive,
adds the domain and stores the archive in the bucket. SECONDS, MEMORY and the kill are as of the export. Every mail in the
bucket was compared with what was exported. Nothing reads the imported mail meanwhile (MAIL_SOURCE=none)."""


class Importing:
    """Delete a domain and import it with its mail from an archive of it. `content`: the mail with a number."""

    def __init__(self, stack: MailStack, key: str, mails: int, content: Callable[[int], bytes]) -> None:
        self._stack = stack
        self._api = stack.web_api.with_key(key, patience=TIMEOUT_SECONDS)
        self._mails = mails
        self._content = content
        self._rows: list[list[str]] = []
        self._known = 0

    def text(self, domain: Domain, archive: IO[bytes]) -> str:
        self._stack.web.start()
        progress("Deleting the domain …")
        self._delete(domain)
        self._request(archive)
        self._first_worker()
        waited = self._second_worker()
        progress("Comparing every mail …")
        self._compare()
        return f"{table(HEAD, self._rows)}\n\n{NOTES}\n\nFrom the kill to the next mail: {waited:.0f} s."

    def _delete(self, domain: Domain) -> None:
        # It erases the export.
        mail_worker = self._stack.another_mail_worker("eraser")
        mail_worker.start()
        self._stack.worker.start()
        _successful(self._api.delete(f"domains/{domain.pk}"))
        wait_for(
            lambda: DomainDeletion.objects.get().finished_at, within=TIMEOUT_SECONDS, what="the domain was deleted"
        )
        self._stack.worker.stop()
        mail_worker.stop()

    def _request(self, archive: IO[bytes]) -> None:
        web = self._stack.web
        before, began = _peak(web), time.monotonic()
        _successful(_send(self._api, archive))
        self._note("the request", began, (before, _peak(web)))

    def _first_worker(self) -> None:
        worker = self._stack.another_mail_worker("first importer")
        began, before = _started(worker)
        wait_for(lambda: self._done() >= self._mails // 2, within=TIMEOUT_SECONDS, what="half of it was imported")
        peak = _peak(worker)
        worker.kill()
        self._note("first worker, killed", began, (before, peak))

    def _second_worker(self) -> float:
        killed = time.monotonic()
        worker = self._stack.another_mail_worker("second importer")
        _, before = _started(worker)
        wait_for(lambda: self._done() > self._known, within=TIMEOUT_SECONDS, what="it was resumed")
        resumed = time.monotonic()
        wait_for(lambda: Import.objects.get().status == "done", within=TIMEOUT_SECONDS, what="the import was complete")
        self._note("second worker, from its first mail on", resumed, (before, _peak(worker)))
        return resumed - killed

    def _note(self, who: str, began: float, memory: tuple[str, str]) -> None:
        seconds, done = time.monotonic() - began, self._done()
        mails, self._known = done - self._known, done
        progress(f"{who}: {mails} mails in {seconds:.1f} s")
        rate = f"{mails / seconds:.0f}" if mails else "-"
        self._rows.append([who, str(mails), f"{seconds:.1f}", rate, *memory])

    def _done(self) -> int:
        row = Import.objects.get()
        return row.stored + row.existing

    def _compare(self) -> None:
        seen = set()
        for bucket, key, ses_id in Message.objects.values_list("bucket", "key", "ses_id").iterator(1000):
            number = int(ses_id)
            if stored_objects.read(bucket, key) != self._content(number):
                raise RuntimeError(f"{key} is not what was exported.")
            seen.add(number)
        if len(seen) != self._mails:
            raise RuntimeError(f"{len(seen)} of {self._mails} mails were imported.")


def _send(api: Api, archive: IO[bytes]) -> Answer:
    """Upload the archive with its mail, piece by piece."""
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'
        for name, value in (("withMail", "true\r\n"), ('file"; filename="archive.zip', ""))
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    length = len(head) + archive.seek(0, 2) + len(tail)
    headers = {
        "Authorization": f"Bearer {api.key}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(length),
    }

    def pieces() -> Iterator[bytes]:
        yield head
        archive.seek(0)
        while piece := archive.read(PIECE):
            yield piece
        yield tail

    connection: http.client.HTTPConnection = api.connection()
    began = time.monotonic()
    connection.request("POST", "/api/v2/imports", pieces(), headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return Answer(answer.status, json.loads(text), time.monotonic() - began, dict(answer.getheaders()))


def _successful(answer: Answer) -> None:
    if answer.status >= 300:
        raise RuntimeError(f"{answer}")


def _started(worker: Process) -> tuple[float, str]:
    worker.start()
    return time.monotonic(), _peak(worker)


def _peak(process: Process) -> str:
    return f"{sum(peak_memory(process.group)):.0f}"
