"""From SES's answer to the sender until the mail is listed and read: throughput, latency, a backlog and large mail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from backoffice.tables import table
from bench.mail import mails
from bench.mail.sending import once, send
from bench.requests import peak_memory, progress
from bench.sides import Side
from inbound.tests.processes.support.mail_stack import MailStack
from inbound.tests.processes.support.stack import wait_for

INGESTED = "SELECT count(*) FROM mail_message WHERE state = 'ingested'"
THROUGHPUT_MAILS, LATENCY_MAILS, BACKLOG_MAILS = 2000, 200, 10_000
POLL_SECONDS = 0.002

NOTES = """PER CORE: mails for each second of CPU time of the mail worker and its parser processes.
LISTED: from SES's 250 until the row is committed. READ: until it has been parsed. MEMORY in MB: of the largest process of a
worker, and of the largest parser process."""


def measure(side: Side, stack: MailStack, recipient: str) -> Iterable[str]:
    """Yield a table for each figure. The mail worker is not running before and after."""
    yield _throughput(side, stack, recipient)
    yield _latency(side, stack, recipient)
    yield _backlog(side, stack, recipient)


def _throughput(side: Side, stack: MailStack, recipient: str) -> str:
    rows = []
    for parsers in (1, 2):
        progress(f"Ingesting {THROUGHPUT_MAILS} mails with {parsers} parsers …")
        send(stack, THROUGHPUT_MAILS, [recipient])
        done = once(stack, "--parsers", str(parsers))
        mail_count = done["mails"]
        rows.append(
            [
                f"{parsers}",
                f"{mail_count}",
                f"{mail_count / done['seconds']:.0f}",
                f"{mail_count / done['processor']:.0f}",
                f"{done['statements'] / mail_count:.2f}",
                f"{done['peak']:.0f}",
                f"{done['child peak']:.0f}",
            ]
        )
    return table(["INGEST, PARSERS", "MAILS OF 10 KB", "PER SECOND", "PER CORE", "SQL EACH", "MEMORY", "PARSER"], rows)


def _latency(side: Side, stack: MailStack, recipient: str) -> str:
    stack.mail_worker.start()
    try:
        quiet = _one_by_one(side, stack, mails.ordinary(LATENCY_MAILS, recipient), recipient)
        progress("The same while a large mail is read …")
        large_read: list[float] = []
        beside = threading.Thread(target=lambda: large_read.extend(_large(side, stack, recipient)))
        beside.start()
        busy = _one_by_one(side, stack, mails.ordinary(LATENCY_MAILS // 4, recipient), recipient)
        beside.join()
        memory = peak_memory(stack.mail_worker.group)
    finally:
        stack.mail_worker.stop()
    rows = [
        ["alone", *_milliseconds(quiet)],
        ["beside one of 40 MB", *_milliseconds(busy)],
        ["that one", f"{1000 * large_read[0]:.0f}", "", f"{1000 * large_read[1]:.0f}", ""],
    ]
    text = table(["ONE MAIL, MS", "LISTED P50", "P99", "READ P50", "P99"], rows)
    return f"{text}\n\nMemory of the worker's processes, MB: {', '.join(f'{peak:.0f}' for peak in memory)}."


def _backlog(side: Side, stack: MailStack, recipient: str) -> str:
    progress(f"Sending {BACKLOG_MAILS} mails …")
    send(stack, BACKLOG_MAILS, [recipient])
    workers = [stack.another_mail_worker(f"mail-worker-{number}") for number in range(2)]
    with psycopg.connect(side.database, autocommit=True) as database:
        wanted = _count(database) + BACKLOG_MAILS
        progress("Two workers read them …")
        started = time.monotonic()
        try:
            for worker in workers:
                worker.start(wait=False)
            wait_for(lambda: _count(database) >= wanted, within=600, what="the workers have read everything")
            seconds = time.monotonic() - started
            memory = [peak_memory(worker.group) for worker in workers]
        finally:
            for worker in workers:
                worker.stop()
    largest = f"{max(peaks[0] for peaks in memory):.0f}"
    return table(
        ["BACKLOG", "WORKERS", "SECONDS", "PER SECOND", "LARGEST PROCESS, MB"],
        [[BACKLOG_MAILS, "2", f"{seconds:.0f}", f"{BACKLOG_MAILS / seconds:.0f}", largest]],
    )


def _one_by_one(side: Side, stack: MailStack, sent: Iterable[bytes], recipient: str) -> list[tuple[float, float]]:
    """Seconds from SES's answer until each mail is listed, and until it is read."""
    found = []
    with psycopg.connect(side.database, autocommit=True) as database, stack.smtp() as smtp:
        for mail in sent:
            found.append(_follow(database, smtp, mail, recipient))
    return found


def _large(side: Side, stack: MailStack, recipient: str) -> tuple[float, float]:
    (seconds,) = _one_by_one(side, stack, [mails.large(recipient)], recipient)
    return seconds


def _follow(database: Any, smtp: Any, mail: bytes, recipient: str) -> tuple[float, float]:
    smtp.ehlo_or_helo_if_needed()
    smtp.mail("jo@example.net")
    smtp.rcpt(recipient)
    _, answer = smtp.data(mail)
    sent = time.monotonic()
    ses_id = answer.decode().split()[-1]
    listed = None
    while True:
        row = database.execute("SELECT state FROM mail_message WHERE ses_id = %s", [ses_id]).fetchone()
        if row and listed is None:
            listed = time.monotonic() - sent
        if row and listed is not None and row[0] == "ingested":
            return listed, time.monotonic() - sent
        if time.monotonic() - sent > 120:
            raise AssertionError(f"The mail {ses_id} was not read within two minutes.")
        time.sleep(POLL_SECONDS)


def _milliseconds(found: Sequence[tuple[float, float]]) -> list[str]:
    cells = []
    for seconds in zip(*found, strict=True):
        ordered = sorted(seconds)
        cells += [f"{1000 * ordered[len(ordered) // 2]:.0f}", f"{1000 * ordered[int(len(ordered) * 0.99)]:.0f}"]
    return cells


def _count(database: Any) -> int:
    ((count,),) = database.execute(INGESTED).fetchall()
    return int(count)
