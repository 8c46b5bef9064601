"""What every surface says about the state at one moment."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families as parsed
from rest_framework.test import APIClient

from desk.state.values import Kind, Level

OWNERS = "GET /ses/status"


@dataclass(frozen=True, slots=True)
class Said:
    """`texts`: by surface, without layout. `code`: of `ses_status`. `ready`: the status of /readyz."""

    texts: dict[str, str]
    code: int
    ready: int
    metrics: dict[tuple[str, str], float]
    headline: str

    def number(self, kind: Kind) -> int:
        return int(self.metrics["inbound_findings_by_kind", kind.value])

    def assert_shows(self, kind: Kind, *sentences: str, level: Level = Level.NEEDS_YOU, number: int = 1) -> None:
        """Every surface says these sentences. Nobody is told that all is well."""
        self.assert_shows_operators(kind, *sentences, level=level, number=number)
        self._assert_says([OWNERS], sentences)

    def assert_shows_operators(
        self, kind: Kind, *sentences: str, level: Level = Level.NEEDS_YOU, number: int = 1
    ) -> None:
        """As far as operators ask: owners learn nothing of what is nobody's."""
        self._assert_says(set(self.texts) - {OWNERS}, sentences)
        assert self.number(kind) == number
        assert self.metrics["inbound_findings_by_level", level.wire] >= number
        assert self.code == 2
        assert _ageless(self.headline) in _ageless(self.texts["desk"])
        assert _ageless(self.headline) in _ageless(self.texts["ses_status"])

    def _assert_says(self, names: Iterable[str], sentences: Iterable[str]) -> None:
        missing = [(name, one) for name in names for one in sentences if one not in self.texts[name]]
        assert not missing, f"{missing}\n{self.texts}"

    def assert_settled(self, *sentences: str) -> None:
        """Nobody says these sentences any more, and everybody says that nothing is wrong."""
        left = [(name, one) for name, text in self.texts.items() for one in sentences if one in text]
        assert not left, f"{left}\n{self.texts}"
        assert (self.code, self.ready) == (0, 200), self.texts
        assert not any(self.metrics["inbound_findings_by_kind", kind.value] for kind in Kind)
        assert "Nothing needs you. Nothing is pending." in self.texts["desk"]
        assert "Everything is up to date." in self.texts["ses_status"]


def read(api: APIClient, superuser: User) -> Said:
    """Ask all of them."""
    desk, machine = Client(), Client()
    desk.force_login(superuser)
    page = desk.get("/admin/")
    table, code = _ses_status()
    values, same_code = _ses_status("--json")
    assert same_code == code
    ready = machine.get("/readyz")
    answer = api.get("/api/v2/ses/status")
    assert answer.status_code == 200
    state = json.loads(values)
    return Said(
        texts={
            "desk": _plain(page.content.decode()),
            "ses_status": _squeezed(table),
            "ses_status --json": "\n".join(_sentences(state)),
            OWNERS: "\n".join(_sentences(answer.json())),
        },
        code=code,
        ready=ready.status_code,
        metrics=_metrics(machine.get("/metrics").content.decode()),
        headline=state["headline"],
    )


def _ses_status(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("ses_status", *arguments, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def _plain(page: str) -> str:
    """The text of a page. A table's cells are apart."""
    return _squeezed(unescape(re.sub(r"<[^>]+>", " ", page)))


def _ageless(text: str) -> str:
    """Without ages, which grow between two questions."""
    return re.sub(r"\b\d+ (s|min)\b", "a while", text)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _sentences(value: Any) -> Iterable[str]:
    """All texts in JSON."""
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, str):
        yield value
    if not isinstance(value, str) and isinstance(value, Iterable):
        for one in value:
            yield from _sentences(one)


def _metrics(text: str) -> dict[tuple[str, str], float]:
    """By name and the value of the last label."""
    samples = [sample for family in parsed(text) for sample in family.samples]
    return {(one.name, [*one.labels.values(), ""][0]): one.value for one in samples}
