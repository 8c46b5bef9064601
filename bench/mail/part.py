"""The part `mail`: first with mail that arrives, then with a million mails that are there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from backoffice.tables import table
from bench.mail import arrival
from bench.mail.delivering import measures
from bench.mail.listing_s3 import ListingS3, serving
from bench.requests import Request, progress, run
from bench.sides import QUIET, Side, new_side
from inbound.tests.processes.support.mail_stack import MailStack
from inbound.tests.processes.support.stack import ROOT, Stack, free_port, running

DOMAIN = "mail.example.com"
MANY, DOMAINS = 1_000_000, 100
READINGS = 50
LISTS = {
    "first 50": "mail",
    "first 100, archived ones too": "mail?limit=100&includeArchived=true",
    "of one domain": "mail?domain=d7.mail.example.com",
    "of the last 24 hours": "mail?timeRange=24h",
    "by search": "mail?search=invoice",
    "statistics": "mail/stats",
    "an email's deliveries": "mail/{email}/deliveries",
    "an email's thread": "mail/{email}/thread",
    "endpoints, with statistics": "endpoints",
    "an endpoint": "endpoints/{endpoint}",
    "its failed deliveries": "endpoints/{endpoint}/deliveries?status=failed",
}
NOTES = f"""{MANY:,} mails of one owner in {DOMAINS} domains, each delivered to one endpoint.
The sweep is `mail_worker --once --sweep`; its S3 only lists."""


def measure(url: str, folder: Path) -> Iterator[str]:
    """Yield the tables of both halves. Each has its own database."""
    with new_side("", ROOT, url, folder / "arrival") as side:
        stack = MailStack(side.folder, side.database, ROOT, **QUIET, WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8")
        with running(stack):
            seeded = side.seed_into_ses(stack, "mail", {DOMAIN: measures.ADDRESSES})
            # No endpoint: mail is read and stored.
            stack.web_api.with_key(seeded.key).delete(f"endpoints/{seeded.endpoint}")
            yield from arrival.measure(side, stack, f"a0@{DOMAIN}")
            yield arrival.NOTES
            yield from measures.measure(stack, seeded, DOMAIN)
            yield measures.NOTES
    with new_side("", ROOT, url, folder / "many") as side:
        yield _lists(side, _seed(side))
        yield _sweep(side)
        yield NOTES


def _seed(side: Side) -> dict[str, str]:
    """The key of the account, its endpoint, and one of its emails."""
    progress(f"Writing {MANY:,} mails …")
    stack = side.stack("seed")
    seeded: dict[str, str] = json.loads(_python(stack, "bench.mail.seed_process", str(MANY), str(DOMAINS)))
    return seeded


def _lists(side: Side, seeded: dict[str, str]) -> str:
    stack = side.stack("lists", DJANGO_SETTINGS_MODULE="bench.settings")
    rows = []
    with running(stack, worker=False):
        api = stack.web_api.with_key(seeded["key"])
        for title, path in LISTS.items():
            progress(f"{title} …")
            done = run(api, [Request("GET", path.format_map(seeded), lane=lane) for lane in range(READINGS)], clients=1)
            rows.append([title, f"{done.statements:.0f}", f"{done.latency(0.5):.1f}", f"{done.latency(0.99):.1f}"])
    return table(["GET", "SQL", "P50 MS", "P99 MS"], rows)


def _sweep(side: Side) -> str:
    port = free_port()
    listing = ListingS3(MANY, DOMAINS)
    stack = side.stack("sweep", MAIL_SOURCE="sweep", AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{port}")
    progress(f"Sweeping {MANY:,} keys …")
    with serving(listing, port):
        done = json.loads(_python(stack, "bench.mail.worker_process", "--sweep"))
    head = ["SWEEP", "LISTS", "SQL", "SECONDS", "CPU S", "MEMORY"]
    row = [
        f"{MANY:,} keys",
        listing.lists,
        done["statements"],
        f"{done['seconds']:.0f}",
        f"{done['processor']:.0f}",
        f"{done['peak']:.0f}",
    ]
    return f"{table(head, [row])}\n{done['said']}"


def _python(stack: Stack, module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=stack.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
