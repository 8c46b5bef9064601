"""Reads from a large installation: SQL statements, and the speed of the production server."""

from __future__ import annotations

from statistics import median

from bench.requests import Request, Run, peak_memory, progress, run
from bench.seeding import LISTED, Account
from bench.statements import HEADER
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Process, Stack
from ses_integration.cli.tables import table

# Numbers of requests. Slow ones are cut short.
COUNTED, TIMED = 5, 400
CLIENTS = (1, 8)


def measure(stack: Stack, account: Account, ids: list[str]) -> str:
    """Run the part `reads`, without worker and SES. `ids`: those of all addresses."""
    paths_by_title = {
        "first 100 addresses": ["email-addresses?limit=100"] * TIMED,
        "last 100 addresses": [f"email-addresses?limit=100&offset={len(ids) - LISTED}"] * TIMED,
        "100 that SES receives for": ["email-addresses?limit=100&isReceiptRuleConfigured=true"] * TIMED,
        "one address by id": [f"email-addresses/{pk}" for pk in ids[:: len(ids) // TIMED]],
    }
    rows = {title: [title] for title in paths_by_title}
    process, api = stack.server("counting server", DJANGO_SETTINGS_MODULE="bench.settings")
    process.start()
    for title, paths in paths_by_title.items():
        found = _run(api, account, paths[:COUNTED], clients=1)
        rows[title] += [f"{median(int(answer.headers[HEADER]) for answer in found.answers.values()):.0f}"]
    process.stop()
    stack.web.start()
    # Warm up connections and caches.
    _run(stack.web_api, account, paths_by_title["one address by id"], clients=max(CLIENTS))
    for clients in CLIENTS:
        for title, paths in paths_by_title.items():
            found = _run(stack.web_api, account, paths, clients=clients)
            progress(f"{title}: {len(found.answers)} times in {found.seconds:.1f} s")
            rows[title] += [f"{found.per_second:.1f}", f"{found.latency(0.5):.0f}", f"{found.latency(0.99):.0f}"]
    head = ["READING", "SQL"]
    for clients in CLIENTS:
        head += [f"{clients} CLIENT{'S' if clients > 1 else ''}: REQ/S", "P50 MS", "P99 MS"]
    text = f"{table(head, rows.values())}\n\nPeak memory of the server: {_memory(stack.web)} MB."
    stack.web.stop()
    return text


def _run(api: Api, account: Account, paths: list[str], *, clients: int) -> Run:
    requests = [Request("GET", path, lane=lane) for lane, path in enumerate(paths)]
    return run(api.with_key(account.key), requests, clients=clients)


def _memory(process: Process) -> str:
    return " + ".join(f"{peak:.0f}" for peak in peak_memory(process.group)) or "-"
