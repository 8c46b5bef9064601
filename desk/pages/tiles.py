"""The five tiles of the home page. Pure: from the state to a few short lines each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from backoffice.text import duration, plural
from desk.pages.badges import DRIFTS
from desk.state import wording
from desk.state.values import Kind, Level, State, Tally
from workers.models import WorkerKind

# As in Finding: from here on a quota is something to act on.
NEARLY_FULL = 0.8


@dataclass(frozen=True, slots=True)
class Tile:
    """`to`: what it opens, as in a menu entry."""

    title: str
    to: str
    lines: Sequence[str]
    css: str = ""


def tiles(state: State) -> list[Tile]:
    return [_mail(state), _work(state), _drift(state), _capacity(state), _workers(state)]


def _ago(at: datetime, state: State) -> str:
    return f"{duration(state.at - at)} ago"


def _mail(state: State) -> Tile:
    mail = state.mail
    silent = [f"{plural(mail.silent, 'domain')} silent for 7 days"] if mail.silent else []
    last = f"last {_ago(mail.last_at, state)}" if mail.last_at else "none is stored"
    lines = [wording.without_records(mail.unreachable)] if mail.unreachable else []
    trouble = next((one for one in state.workers if one.is_alive and one.kind == WorkerKind.MAIL and one.problem), None)
    if trouble:
        lines.append(trouble.problem)
    lines += [last, f"{mail.in_24_hours:,} in 24 h", *silent]
    return Tile("Mail", "mail.receivedemail", lines, "bad" if trouble or Kind.DOMAIN in state.by_kind else "")


def _work(state: State) -> Tile:
    counts = [f"{state.number(level):,} {level.label}" for level in Level if state.number(level)]
    oldest = min((tally.since for tally in state.by_level.values() if tally.since), default=None)
    age = [f"oldest {duration(state.at - oldest)}"] if oldest else []
    restorable = [wording.can_be_restored(state.deletions_restorable)] if state.deletions_restorable else []
    return Tile("Work", "work", (counts + age or ["nothing is pending"]) + restorable, "bad" if state.needs_you else "")


def _drift(state: State) -> Tile:
    if state.sweep is None:
        return Tile("Drift", "drift", ["not compared with SES yet"])
    swept = state.sweep
    is_bad = any(state.by_kind.get(kind, Tally()).number for kind in DRIFTS)
    lines = [plural(swept.differences, "difference") if swept.differences else "SES is as it should be"]
    if swept.foreign_rules:
        lines.append(plural(swept.foreign_rules, "foreign rule"))
    due = swept.began_at + timedelta(seconds=settings.SES_SWEEP_SECONDS) - state.at
    sweeps = any(one.is_alive and one.kind == WorkerKind.SES for one in state.workers)
    soon = [f"next in {duration(due)}" if due > timedelta() else "next one is due"] if sweeps else []
    when = f"compared {_ago(swept.ended_at or swept.began_at, state)}"
    if swept.problem:
        lines, when, is_bad = [swept.problem], f"tried {_ago(swept.began_at, state)}", True
    return Tile("Drift", "drift", [*lines, when, *soon], "bad" if is_bad else "")


def _capacity(state: State) -> Tile:
    is_bad = any(one.limit and one.used >= NEARLY_FULL * one.limit for one in state.quotas)
    lines = [wording.quota(one) for one in state.quotas] or ["not known yet"]
    return Tile("Capacity", "capacity", lines, "bad" if is_bad else "")


def _workers(state: State) -> Tile:
    alive = [one for one in state.workers if one.is_alive]
    # Those with a problem first: the first line is what people read.
    alive.sort(key=lambda one: not one.problem)
    lines = [f"{one.kind} on {one.host}, {_ago(one.last_round_at, state)}" for one in alive[:4]]
    if len(alive) > 4:
        lines.append(f"and {len(alive) - 4} more")
    problems = [f"{one.kind}: {one.problem}" for one in alive if one.problem][:1]
    is_bad = bool(state.by_kind.get(Kind.WORKER, Tally()).number)
    return Tile("Workers", "workers.worker", problems + (lines or ["none is alive"]), "bad" if is_bad else "")
