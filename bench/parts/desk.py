"""The pages of the admin, of a small installation and of a large one: statements and time. Each is found by following the menu."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from statistics import median
from urllib.parse import urlencode

from backoffice.tables import table
from bench.requests import BenchError, progress
from bench.sides import Side, started
from bench.statements import HEADER
from inbound.tests.processes.support.stack import ROOT, Stack

# Domains, addresses of each, mails.
SIZES = {"SMALL": (100, 10, 1_000), "BIG": (10_000, 10, 1_000_000)}
MAIL_DOMAINS = 100
READINGS = 7
MOST_MS = 300
NAME, PASSWORD = "bench-operator", "of-a-database-that-is-dropped"
LINK = re.compile(r'href="(/admin/[^"#]*)"')
ROW = re.compile(r'<th class="field-[^"]*"[^>]*><a href="(/admin/[^"#]*/change/)')
NOT_PAGES = re.compile(r"/admin/(logout|password_change|jsi18n)|/add/|/delete/|/history/")
# Searches and filters that may be slow in a large installation.
ASKED = [
    "/admin/domains/domain/?q=d77.size",
    "/admin/addresses/emailaddress/?q=a3@d77.size.example.com",
    "/admin/addresses/emailaddress/?p=900",
    "/admin/mail/receivedemail/?q=a@d7.mail.example.com",
    "/admin/mail/receivedemail/?outcome=failed",
    "/admin/mail/receivedemail/?p=50",
    "/admin/mail/delivery/?state__exact=dead",
    "/admin/mail/delivery/?q=a@d7.mail.example.com",
]
NOTES = f"""BIG: {SIZES["BIG"][0]:,} domains, {SIZES["BIG"][0] * SIZES["BIG"][1]:,} addresses, {SIZES["BIG"][2]:,} mails. MS: the
median of {READINGS} readings by one client. SLOW: more than {MOST_MS} ms. GROWS: more statements than in the small one."""


@dataclass(slots=True)
class Reading:
    statements: int
    times: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        return 1000 * median(self.times)


class Operator:
    """A browser that has signed in."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._cookies: dict[str, str] = {}
        _, page = self.ask("/admin/login/")
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[:1]
        form = {"csrfmiddlewaretoken": token, "username": NAME, "password": PASSWORD, "next": "/admin/"}
        self.ask("/admin/login/", urlencode(form))
        if "sessionid" not in self._cookies:
            raise BenchError("Signing in to the admin failed.")

    def ask(self, path: str, form: str | None = None) -> tuple[Reading, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.monotonic()
        self._connection.request("GET" if form is None else "POST", path, form, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        seconds = time.monotonic() - began
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        if answer.status >= 400:
            raise BenchError(f"{path}: {answer.status}")
        return Reading(int(answer.headers[HEADER]), [seconds]), text

    def pages(self) -> Iterator[str]:
        """What the menu leads to, what its pages lead to at once, and the page of the first row of each list."""
        found: dict[str, str] = {}
        for path in ["/admin/", *_links(self.ask("/admin/")[1])]:
            found.setdefault(path, self.ask(path)[1])
        for page in [*found.values()]:
            if not ROW.search(page):
                kinds = set(map(_kind, found))
                found |= {link: "" for link in _links(page) if _kind(link) not in kinds and "?" not in link}
        yield from found
        for path in found:
            if row := ROW.search(found[path] or self.ask(path)[1]):
                yield unescape(row[1])


def _links(page: str) -> list[str]:
    return [link for link in dict.fromkeys(map(unescape, LINK.findall(page))) if not NOT_PAGES.search(link)]


def measure(sides: Sequence[Side]) -> str:
    for side in sides:
        _seed(side, *SIZES[side.name])
    with started(sides, "desk", worker=False, DJANGO_SETTINGS_MODULE="bench.settings") as stacks:
        small, big = (_read(stack) for stack in stacks)
    rows = []
    for path, reading in sorted(big.items(), key=lambda one: -one[1].milliseconds):
        # A page of a row has another address in each installation.
        other = small.get(path) or next((small[like] for like in small if _kind(like) == _kind(path)), None)
        # A search may find nothing in the small one.
        grows = other is not None and "?" not in path and reading.statements > other.statements
        flags = " ".join(filter(None, ["SLOW" * (reading.milliseconds > MOST_MS), "GROWS" * grows]))
        before = [other.statements, f"{other.milliseconds:.0f}"] if other else ["-", "-"]
        rows.append([path, before[0], reading.statements, before[1], f"{reading.milliseconds:.0f}", flags])
    return f"{table(['PAGE', 'SQL SMALL', 'SQL BIG', 'MS SMALL', 'MS BIG', ''], rows)}\n{NOTES}"


def _kind(path: str) -> str:
    """The path without what names a row."""
    return re.sub(r"/[^/]+/change/", "/*/change/", path)


def _read(stack: Stack) -> dict[str, Reading]:
    operator = Operator(stack.web_api.port)
    readings: dict[str, Reading] = {}
    for path in dict.fromkeys([*operator.pages(), *ASKED]):
        progress(path)
        for _ in range(READINGS):
            reading, _page = operator.ask(path)
            readings.setdefault(path, Reading(reading.statements)).times += reading.times
    return readings


def _seed(side: Side, domains: int, addresses: int, mails: int) -> None:
    progress(f"Writing {domains:,} domains and {mails:,} mails …")
    names = {f"d{number}.size.example.com": addresses for number in range(domains)}
    side.seed("confirmed", {"size": {"domains": names, "related": True}})
    env = side.stack("seed").env
    command = [sys.executable, "-m", "bench.mail.seed_process", str(mails), str(MAIL_DOMAINS)]
    json.loads(subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)
    env = {**env, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    create = ["manage.py", "createsuperuser", "--noinput", "--username", NAME, "--email", "bench@example.com"]
    subprocess.run([sys.executable, *create], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
