"""Archives uploaded to the production server: little memory, a few at a time, and nothing left of those that break off."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from django.db import connection

from archives.models import Import
from archives.tests.format.reading.making import archive_of
from archives.tests.uploads.uploading import make_due, numbered
from archives.uploads.job import INTERRUPTED
from archives.uploads.room import AT_ONCE, BUSY
from archives.uploads.task import run_imports
from bench.requests import peak_memory
from domains.models import Domain
from inbound.tests.processes.http.test_stalled_clients import IMPATIENT
from inbound.tests.processes.support.clients import Api, simultaneously
from inbound.tests.processes.support.quick_stack import QuickStack
from inbound.tests.processes.support.stack import Stack, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

THREADS = 6
MEGABYTE = 1024 * 1024


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """The folder in which the server receives files."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def stack(stack_with: Callable[..., Stack], tmp_path: Path, uploads: Path) -> Stack:
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    arguments = f"--config {tmp_path / 'impatient.py'}"
    stack = stack_with(QuickStack, WEB_THREADS=str(THREADS), GUNICORN_CMD_ARGS=arguments, TMPDIR=str(uploads))
    stack.start(worker=False)
    return stack


@pytest.fixture
def elsewhere(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has the stack's emulator."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.env["AWS_ENDPOINT_URL"])


def post(api: Api, archive: bytes, **fields: str) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{api.port}/api/v2/imports",
        headers={"Authorization": f"Bearer {api.key}"},
        files={"file": ("a.zip", archive)},
        data=fields,
        timeout=60,
    )


def left(uploads: Path) -> list[str]:
    """What is in the folder besides the server's counts of requests."""
    return [file.name for file in uploads.iterdir() if not file.name.startswith("inbound-metrics-")]


@contextmanager
def half_sent(api: Api) -> Iterator[socket.socket]:
    """An upload of which the client sends no more than the beginning."""
    lines = [
        "POST /api/v2/imports HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {api.key}",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Length: 900000",
        "",
        "--x",
        'Content-Disposition: form-data; name="file"; filename="a.zip"',
        "",
        "PK" * 100_000,
    ]
    with socket.create_connection(("127.0.0.1", api.port), timeout=30) as client:
        client.sendall("\r\n".join(lines).encode())
        yield client


def test_a_large_archive_takes_little_memory_and_no_disk_afterwards(stack, api, uploads):
    assert post(api, archive_of("first.example")).status_code == 201
    before = sum(peak_memory(stack.web.group))
    mails: list[list[bytes | None]] = [[os.urandom(8 * MEGABYTE)] for _ in range(8)]
    answer = post(api, archive_of("example.org", folders=mails, mail=numbered()), withMail="true")
    assert (answer.status_code, answer.json()["mail"]["total"]) == (202, 8)
    # 64 MB were received, verified and stored.
    assert sum(peak_memory(stack.web.group)) - before < 30
    assert left(uploads) == []


def test_of_two_at_once_one_imports_the_domain(stack, api):
    archive = archive_of("example.org", mail=numbered())
    answers = simultaneously(lambda _: post(api, archive, withMail="true"), range(AT_ONCE))
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    assert Domain.objects.count() == Import.objects.count() == 1


def test_uploads_that_nobody_goes_on_sending_leave_threads_to_others_and_end(stack, api, uploads):
    with ExitStack() as clients:
        stalled = [clients.enter_context(half_sent(api)) for _ in range(AT_ONCE)]
        wait_for(lambda: post(api, b"").status_code == 503, within=10, what="all places are taken")
        assert post(api, b"").json() == {"error": BUSY}
        assert api.get("domains").status == 200
        assert {client.recv(12) for client in stalled} == {b"HTTP/1.1 408"}
    assert post(api, b"").status_code == 400
    assert left(uploads) == []
    assert "Traceback" not in stack.web.text


def test_the_server_is_killed_while_it_stores_an_archive(stack, api, uploads, elsewhere):
    stack.aws.add_fault(service="s3", action="PutObject", fault="delay", seconds=5)

    def upload() -> None:
        with pytest.raises(requests.ConnectionError):
            post(api, archive_of("example.org", mail=numbered()), withMail="true")

    def kill() -> None:
        wait_for(lambda: Import.objects.filter(state="storing").exists(), within=30, what="the domain is there")
        connection.close()
        stack.web.kill()

    simultaneously(lambda do: do(), [upload, kill])
    assert left(uploads) == []
    stack.aws.clear_faults()
    make_due()
    run_imports()
    row = Import.objects.get()
    assert (row.status, row.problem) == ("failed", INTERRUPTED)
    stack.web.start()
    again = post(api, archive_of("example.org", mail=numbered()), withMail="true")
    assert (again.status_code, again.json()["existed"]) == (202, True)
    assert run_imports() == 1
