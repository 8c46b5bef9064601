"""A process that is killed during an import, anywhere: another one goes on, or the import has failed and is sent again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from archives.models import Import
from archives.tests.uploads.uploading import contents, make_due, start, with_mails
from archives.uploads.job import INTERRUPTED
from archives.uploads.task import run_imports
from domains.models import Domain
from mail.models import Message
from ses_integration.aws import clients

ARCHIVE = with_mails(2, 1)
MAILS = {f"ses{number}": f"Subject: {number}\r\n\r\nHello".encode() for number in range(1, 4)}


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at_write(number: int) -> Iterator[None]:
    """Kill the process when it is about to write to the database for the so manieth time."""
    writes = 0

    def wrapper(execute: Any, sql: str, *args: Any) -> Any:
        nonlocal writes
        if not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE")):
            writes += 1
            if writes == number:
                raise Killed
        return execute(sql, *args)

    with connection.execute_wrapper(wrapper):
        yield


@contextmanager
def killed_at_call(action: str, when: str, number: int = 1) -> Iterator[None]:
    """Kill the process `before-call` or `after-call` of the so manieth call to S3."""
    events = clients.s3_mail("eu-west-1").meta.events
    calls = 0

    def kill(**_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            raise Killed

    name = f"{when}.s3.{action}"
    events.register(name, kill)
    try:
        yield
    finally:
        events.unregister(name, kill)


def finish() -> None:
    """Another process does what is left."""
    make_due()
    run_imports()


def assert_complete() -> None:
    row = Import.objects.get(state="done", with_mail=True)
    assert row.stored + row.existing == row.mails == 3
    assert contents(Domain.objects.get()) == MAILS
    assert set(Message.objects.values_list("state", "source")) == {("arrived", "import")}
    assert Message.objects.count() == 3


@pytest.mark.parametrize("number", range(1, 28))
def test_the_worker_is_killed_before_it_writes(user, small_batches, number):
    start(user, ARCHIVE)
    with killed_at_write(number):
        try:
            run_imports()
        except Killed:
            assert Import.objects.exists()
    finish()
    assert_complete()


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("when", ["before-call", "after-call"])
@pytest.mark.parametrize("action", ["GetObject", "PutObject"])
def test_the_worker_is_killed_at_a_call(user, small_batches, action, when, number):
    start(user, ARCHIVE)
    with killed_at_call(action, when, number):
        try:
            run_imports()
        except Killed:
            assert Import.objects.get().state == "running"
    finish()
    assert_complete()


@pytest.mark.parametrize("when", ["before-call", "after-call"])
def test_the_request_is_killed_while_it_stores_the_archive(user, when):
    with pytest.raises(Killed), killed_at_call("PutObject", when):
        start(user, ARCHIVE)
    row = Import.objects.get()
    assert (row.state, row.status) == ("storing", "pending")
    run_imports()
    row.refresh_from_db()
    assert row.state == "storing", "its claim lasts"
    finish()
    row.refresh_from_db()
    assert (row.state, row.problem) == ("failed", INTERRUPTED)
    assert contents(Domain.objects.get()) == {}
    start(user, ARCHIVE)
    run_imports()
    assert_complete()


@pytest.mark.parametrize("number", [1, 5, 10, 15, 20, 25, 30, 35, 40])
def test_the_request_is_killed_before_it_writes(user, number):
    with killed_at_write(number):
        try:
            start(user, ARCHIVE)
        except Killed:
            # The domain and what is known of its import come in one transaction.
            assert Domain.objects.count() == Import.objects.count()
    finish()
    if not Import.objects.filter(state="done").exists():
        start(user, ARCHIVE)
        run_imports()
    assert_complete()
