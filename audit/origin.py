"""Who is acting in this thread: the origin of the changes that it makes."""

from __future__ import annotations

import getpass
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import models

from rest.access.rows import given_role, owner_of

# What a client may choose as its request id. Anything else is replaced.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,100}")
# The command that sets up the database.
MIGRATE = "migrate"
# Before a role in `via`.
ROLE = "role "


class Door(models.TextChoices):
    """The way by which a change came in."""

    API = "api", "API"
    ADMIN = "admin"
    COMMAND = "command"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Origin:
    """`who`: a user name, or the account of the shell. `key`: the start of an API key, a blank, and its name.

    `remote`: an IP address. `via`: the command, or the worker's task. `roles`: the author's role at domains of others, by owner.
    """

    door: Door
    who: str = ""
    key: str = ""
    remote: str = ""
    request_id: str = ""
    via: str = ""
    roles: Mapping[int | None, str] = field(default_factory=dict, hash=False)

    @property
    def key_start(self) -> str:
        return self.key.partition(" ")[0]


_current: ContextVar[Origin | None] = ContextVar("origin", default=None)


def current() -> Origin | None:
    return _current.get()


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """Make `origin` the author of what the block changes in this thread."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def identify(*, who: str = "", key: str = "") -> None:
    """Say who the request comes from, once that is known."""
    if (origin := _current.get()) is not None:
        _current.set(replace(origin, who=who, key=key))


def act_by_role(row: models.Model, author: Any) -> None:
    """Say which role the author uses, so that the owner of the row reads that they gave the author access.

    `row`: read with `with_role`.
    """
    if (origin := _current.get()) is not None and (role := given_role(row)):
        _current.set(replace(origin, roles={**origin.roles, owner_of(row, author): f"{ROLE}{role}"}))


def of_command(name: str) -> Origin:
    """The origin of what a command does for the account of the shell, which may have no name."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = ""
    return Origin(Door.COMMAND, who=account, via=name)


def author(who: str) -> str:
    """A user's name, and the start of the API key that is in use: `alice (key inb_1a2b)`."""
    origin = _current.get()
    return f"{who} (key {origin.key_start})" if origin and origin.key and origin.who == who else who


def without_key(author: str) -> str:
    """The user's name of an `author`."""
    return author.partition(" (key ")[0]


def request_id(given: str = "") -> str:
    """The id that a client has sent, if it can be kept; otherwise a new one."""
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
