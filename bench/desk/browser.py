"""A browser that has signed in to the admin, follows its menu, and measures each page."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from statistics import median
from urllib.parse import urlencode

from bench.requests import BenchError
from bench.statements import HEADER

NAME, PASSWORD = "bench-operator", "of-a-database-that-is-dropped"
LINK = re.compile(r'href="(/admin/[^"#]*)"')
ROW = re.compile(r'<th class="field-[^"]*"[^>]*><a href="(/admin/[^"#]*/change/)')
NOT_PAGES = re.compile(r"/admin/(logout|password_change|jsi18n)|/add/|/delete/|/history/")


@dataclass(slots=True)
class Reading:
    statements: int
    times: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        return 1000 * median(self.times)


class Browser:
    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._cookies: dict[str, str] = {}
        _, page = self.ask("/admin/login/")
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[:1]
        form = {"csrfmiddlewaretoken": token, "username": NAME, "password": PASSWORD, "next": "/admin/"}
        self.ask("/admin/login/", urlencode(form))
        if "sessionid" not in self._cookies:
            raise BenchError("Signing in to the admin failed.")

    def ask(self, path: str, form: str | None = None, more: Mapping[str, str] | None = None) -> tuple[Reading, str]:
        """`more`: headers."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()), **(more or {})}
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
        # /readyz says that no worker is alive.
        if answer.status >= 400 and path != "/readyz":
            raise BenchError(f"{path}: {answer.status}")
        return Reading(int(answer.headers[HEADER]), [seconds]), text

    def pages(self) -> Iterator[str]:
        """What the menu leads to, what its pages lead to at once, and the page of the first row of each list."""
        found: dict[str, str] = {}
        for path in ["/admin/", *_links(self.ask("/admin/")[1])]:
            found.setdefault(path, self.ask(path)[1])
        for page in [*found.values()]:
            if not ROW.search(page):
                kinds = set(map(kind, found))
                found |= {link: "" for link in _links(page) if kind(link) not in kinds and "?" not in link}
        yield from found
        for path in found:
            if row := ROW.search(found[path] or self.ask(path)[1]):
                yield unescape(row[1])


def kind(path: str) -> str:
    """The path without what names a row."""
    return re.sub(r"/[^/]+/change/", "/*/change/", path)


def _links(page: str) -> list[str]:
    return [link for link in dict.fromkeys(map(unescape, LINK.findall(page))) if not NOT_PAGES.search(link)]
