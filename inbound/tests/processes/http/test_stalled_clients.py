"""Clients that stop reading a download, or stop sending a body. They must not take the server away from others."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
import pytest
from django.contrib.auth.models import User

from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.quick_stack import QuickStack
from inbound.tests.processes.support.stack import ROOT, Stack, wait_for
from inbound.tests.support.factories import DomainFactory
from mail.tests.inbox import mail_with, received

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

# More than the buffers of a connection take.
CONTENT = os.urandom(12 * 1024 * 1024)
THREADS = 4
BUSY = (503, {"error": "Too many downloads at the moment. Try again in a few seconds."}, "5")
# What the server ships, with a shorter limit than a minute.
IMPATIENT = f"exec(open({str(ROOT / 'gunicorn.conf.py')!r}).read())\nCLIENT_SECONDS = 2.0\n"


@contextmanager
def asking(api: Api, method: str, path: str, header: str = "Accept: */*") -> Iterator[socket.socket]:
    """A connection with little room for an answer, on which a request was sent."""
    lines = [f"{method} /api/v2/{path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {api.key}", header]
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect(("127.0.0.1", api.port))
        client.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        yield client


@contextmanager
def stalled(api: Api, path: str) -> Iterator[None]:
    """A client that has asked for a file, and reads no more than the beginning of the answer."""
    with asking(api, "GET", path) as client:
        assert client.recv(12) == b"HTTP/1.1 200"
        yield


@pytest.fixture
def stack(stack_with: Callable[..., Stack], tmp_path: Path) -> Stack:
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    arguments = f"--config {tmp_path / 'impatient.py'}"
    stack = stack_with(QuickStack, WEB_THREADS=str(THREADS), GUNICORN_CMD_ARGS=arguments)
    stack.start(worker=False)
    return stack


@pytest.fixture
def paths(stack: Stack, user: User) -> list[str]:
    """Of a stored message, and of its attachment."""
    raw = mail_with(("a.bin", "application/zip", CONTENT))
    attachment = {
        "index": 0, "filename": "a.bin", "content_type": "application/zip", "size": 1, "content_id": None, "disposition": None,
    }  # fmt: skip
    email = received(DomainFactory(owner=user), size=len(raw), attachments=[attachment], attachment_count=1)
    s3 = boto3.client(
        "s3", "eu-west-1", endpoint_url=stack.env["AWS_ENDPOINT_URL"], aws_access_key_id="x", aws_secret_access_key="x"
    )
    s3.put_object(Bucket=email.message.bucket, Key=email.message.key, Body=raw)
    return [f"mail/{email.pk}/raw", f"mail/{email.pk}/attachments/0"]


@pytest.mark.parametrize("which", [0, 1], ids=["message", "attachment"])
def test_downloads_that_nobody_reads_leave_threads_to_others_and_end(stack, api, paths, which):
    path = paths[which]
    with ExitStack() as clients:
        for _ in range(THREADS // 2):
            clients.enter_context(stalled(api, path))
        refused = api.get(path)
        assert (refused.status, refused.body, refused.headers["Retry-After"]) == BUSY
        assert api.get("domains").status == 200
        # The clients are still there.
        wait_for(lambda: _status(api, path) == 200, within=20, what="the server has given up on them")
    assert "A client has stalled: timed out" in stack.web.text
    assert "Traceback" not in stack.web.text


def test_a_body_that_nobody_goes_on_sending_is_408_and_keeps_no_thread(stack, api):
    with ExitStack() as stack_of_clients:
        clients = [
            stack_of_clients.enter_context(asking(api, "POST", "domains", "Content-Length: 9")) for _ in range(THREADS)
        ]
        for client in clients:
            client.sendall(b"{")
        assert api.get("domains").status == 200
        assert {client.recv(12) for client in clients} == {b"HTTP/1.1 408"}
    assert "Traceback" not in stack.web.text


def _status(api: Api, path: str) -> int:
    """The status of the answer to a download, of which no more is read."""
    with asking(api, "GET", path) as client:
        return int(client.recv(12)[-3:])
