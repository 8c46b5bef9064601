"""What is asked of a small installation and of a large one: statements and time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from backoffice.tables import table
from bench.desk.browser import Browser, Reading, kind
from bench.requests import progress
from bench.sides import Seeded, Side, started
from inbound.tests.processes.support.stack import ROOT, Stack

# Domains, addresses of each, mails, entries of the audit log.
SIZES = {"SMALL": (100, 10, 1_000, 1_000), "BIG": (10_000, 10, 1_000_000, 1_000_000)}
MAIL_DOMAINS = 100
READINGS = 7
MOST_MS = 300
# Searches, filters and late pages that may be slow in a large installation.
IN_ADMIN = [
    "domains/domain/?q=d77.size",
    "addresses/emailaddress/?q=a3@d77.size.example.com",
    "addresses/emailaddress/?p=90",
    "mail/receivedemail/?q=a@d7.mail.example.com",
    "mail/receivedemail/?outcome=failed",
    "mail/receivedemail/?outcome=processing",
    "mail/receivedemail/?outcome=quarantined",
    "mail/receivedemail/?q=b%C3%BCcher.example",
    "mail/receivedemail/?p=50",
    "mail/delivery/?state__exact=dead",
    "mail/delivery/?state__exact=due",
    "mail/delivery/?q=a@d7.mail.example.com",
    "audit/change/?object_type=domains.domain&object_id={domain}",
    "audit/change/?object_name=d77.size.example.com",
    "audit/change/?q=d77.size.example.com",
    "audit/change/?q=operator7",
    "audit/change/?q=b%C3%BCcher.example",
    "audit/change/?object=apiKey",
    "audit/change/?what=revoked",
    "audit/change/?door__exact=command",
    "audit/change/?p=90",
    # The numbers of the menu, which every page asks for.
    "badges/",
]
OF_MACHINES = ["/metrics", "/readyz"]
IN_API = [
    "ses/status",
    "domains?search=d77",
    "email-addresses?search=a3@d77",
    "email-addresses?search=nobody",
    "audit-log",
    "audit-log?offset={last}",
    "audit-log?objectId={domain}",
    "audit-log?objectName=d77.size.example.com",
    "audit-log?action=revoked",
    "audit-log?action=changed",
    "audit-log?door=command",
]
NOTES = f"""BIG: {SIZES["BIG"][0]:,} domains, {SIZES["BIG"][0] * SIZES["BIG"][1]:,} addresses, {SIZES["BIG"][2]:,} mails, and
{SIZES["BIG"][3]:,} entries of the audit log. Everywhere something waits. MS: the median of {READINGS} readings by one client.
SLOW: more than {MOST_MS} ms. GROWS: more statements than in the small one."""


def measure(sides: Sequence[Side]) -> str:
    with ThreadPoolExecutor() as both:
        seeded = list(both.map(_seed, sides))
    with started(sides, "desk", worker=False, DJANGO_SETTINGS_MODULE="bench.settings") as stacks:
        small, big = map(_read, stacks, seeded, (SIZES[side.name] for side in sides))
    rows = []
    for path, reading in sorted(big.items(), key=lambda one: -one[1].milliseconds):
        # A page of a row has another address in each installation.
        other = small.get(path) or next((small[like] for like in small if kind(like) == kind(path)), None)
        # A search may find nothing in the small one.
        grows = other is not None and "?" not in path and reading.statements > other.statements
        flags = " ".join(filter(None, ["SLOW" * (reading.milliseconds > MOST_MS), "GROWS" * grows]))
        before = [other.statements, f"{other.milliseconds:.0f}"] if other else ["-", "-"]
        rows.append([path, before[0], reading.statements, before[1], f"{reading.milliseconds:.0f}", flags])
    return f"{table(['PAGE', 'SQL SMALL', 'SQL BIG', 'MS SMALL', 'MS BIG', ''], rows)}\n{NOTES}"


def _read(stack: Stack, seeded: Seeded, size: Sequence[int]) -> dict[str, Reading]:
    browser = Browser(stack.web_api.port)
    names = {"domain": seeded.domains["d77.size.example.com"], "last": size[3] - 50}
    readings: dict[str, Reading] = {}
    for title, path, headers in _asked(browser, seeded.key):
        progress(title)
        for _ in range(READINGS):
            reading, _page = browser.ask(path.format_map(names), more=headers)
            readings.setdefault(title, Reading(reading.statements)).times += reading.times
    return readings


def _asked(browser: Browser, key: str) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for path in dict.fromkeys([*browser.pages(), *(f"/admin/{path}" for path in IN_ADMIN), *OF_MACHINES]):
        yield path, path, {}
    for path in IN_API:
        yield f"GET {path}", f"/api/v2/{path}", {"Authorization": f"Bearer {key}"}


def _seed(side: Side) -> Seeded:
    domains, addresses, mails, entries = SIZES[side.name]
    progress(f"Writing {domains:,} domains, {mails:,} mails and {entries:,} changes …")
    names = {f"d{number}.size.example.com": addresses for number in range(domains)}
    seeded = side.seed("confirmed", {"size": {"domains": names, "related": True}})["size"]
    env = side.stack("seed").env
    for module, *numbers in (("bench.mail.seed_process", mails, MAIL_DOMAINS), ("bench.desk.seed_process", entries)):
        command = [sys.executable, "-m", module, *map(str, numbers)]
        subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return seeded
