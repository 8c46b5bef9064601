"""From SES's answer to the sender until the signed webhook arrives: throughput, latency, and a backlog with bad endpoints."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from email import message_from_bytes
from typing import Any

from backoffice.tables import table
from bench.mail import mails
from bench.mail.delivering.receiver import Receiver, receiving
from bench.mail.sending import once, send
from bench.requests import peak_memory, progress
from bench.sides import Seeded
from inbound.tests.processes.support.mail_stack import MailStack
from inbound.tests.processes.support.stack import free_port

THROUGHPUT_MAILS, LATENCY_MAILS, BACKLOG_MAILS = 2000, 200, 10_000
# Of the backlog's addresses, these endpoints take their mail; the others are dead, slow and busy.
GOOD = 7
BAD = ("dead", "slow", "busy")
ADDRESSES = GOOD + len(BAD)
# Seconds for all the mail of the good endpoints (the goal), and until the bench gives up.
GOAL_SECONDS, LONGEST_SECONDS = 120, 600

NOTES = """END TO END: fetched, parsed, stored, routed, signed and posted. PER CORE: mails for each second of CPU time of the mail
worker and its parser processes. WEBHOOK AFTER: from SES's 250 until the receiver has the request. BACKLOG: mail for seven
endpoints that take it, and for one that is dead, one that takes 5 s for each, and one that answers 429."""


def measure(stack: MailStack, seeded: Seeded, domain: str) -> Iterable[str]:
    """Yield a table for each figure. The domain has ADDRESSES addresses. No mail worker is running before and after."""
    with receiving() as receiver:
        _route(stack, seeded, domain, [receiver.url("ok")] * ADDRESSES)
        yield _throughput(stack, receiver, f"a0@{domain}")
        yield _latency(stack, receiver, f"a0@{domain}")
        bad = {"dead": f"http://127.0.0.1:{free_port()}/", "slow": receiver.url("slow"), "busy": receiver.url("busy")}
        _route(stack, seeded, domain, [receiver.url("ok")] * GOOD + [bad[name] for name in BAD])
        yield _backlog(stack, receiver, domain)


def _route(stack: MailStack, seeded: Seeded, domain: str, urls: Sequence[str]) -> None:
    """Give each address an endpoint of its own."""
    api = stack.web_api.with_key(seeded.key)
    for address, url in zip(seeded.addresses[domain], urls, strict=True):
        made = api.post("endpoints", {"name": url, "type": "webhook", "config": {"url": url}})
        api.put(f"email-addresses/{address}", {"endpointId": made.body["id"]})


def _throughput(stack: MailStack, receiver: Receiver, recipient: str) -> str:
    progress(f"Delivering {THROUGHPUT_MAILS} mails …")
    send(stack, THROUGHPUT_MAILS, [recipient])
    receiver.arrived.clear()
    done = once(stack)
    receiver.wait_for(THROUGHPUT_MAILS, 1)
    count = done["mails"]
    row = [
        f"{count}",
        f"{count / done['seconds']:.0f}",
        f"{count / done['processor']:.0f}",
        f"{done['statements'] / count:.2f}",
        f"{done['peak']:.0f}",
    ]
    return table(["END TO END, MAILS OF 10 KB", "PER SECOND", "PER CORE", "SQL EACH", "MEMORY"], [row])


def _latency(stack: MailStack, receiver: Receiver, recipient: str) -> str:
    progress(f"Following {LATENCY_MAILS} mails …")
    stack.mail_worker.start()
    found = []
    try:
        with stack.smtp() as smtp:
            for mail in mails.ordinary(LATENCY_MAILS, recipient, "latency"):
                smtp.sendmail("jo@example.net", [recipient], mail)
                sent = time.monotonic()
                message_id = str(message_from_bytes(mail)["Message-ID"])
                found.append(receiver.wait_for_mail(message_id, 60) - sent)
    finally:
        stack.mail_worker.stop()
    found.sort()
    row = [f"{1000 * found[len(found) // 2]:.0f}", f"{1000 * found[int(len(found) * 0.99)]:.0f}"]
    return table(["WEBHOOK AFTER, MS", "P50", "P99"], [["idle", *row]])


def _backlog(stack: MailStack, receiver: Receiver, domain: str) -> str:
    progress(f"Sending {BACKLOG_MAILS} mails …")
    send(stack, BACKLOG_MAILS, [f"a{slot}@{domain}" for slot in range(ADDRESSES)], "backlog")
    wanted = BACKLOG_MAILS // ADDRESSES * GOOD
    receiver.arrived.clear()
    workers: list[Any] = [stack.another_mail_worker(f"delivery-{number}") for number in range(2)]
    progress("Two workers deliver them …")
    started = time.monotonic()
    try:
        for worker in workers:
            worker.start(wait=False)
        receiver.wait_for(wanted, LONGEST_SECONDS)
        seconds = time.monotonic() - started
        largest = max(peak_memory(worker.group)[0] for worker in workers)
    finally:
        for worker in workers:
            worker.stop()
    return table(
        ["BACKLOG, MAILS", "OF GOOD ENDPOINTS", "SECONDS", "GOAL", "LARGEST PROCESS, MB"],
        [[BACKLOG_MAILS, wanted, f"{seconds:.0f}", GOAL_SECONDS, f"{largest:.0f}"]],
    )
