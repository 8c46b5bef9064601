"""DATABASE_URL: from a URL to Django's settings of a database."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from inbound.configuration.forms import Form, Refused
from inbound.configuration.hosts import NAME, is_host, is_port

POSTGRESQL = re.compile(r"postgres(?:ql)?://(?P<authority>[^/?#\s]*)(?:/[^/?#@\"'\s]*)?(?:\?(?P<query>[^?#@\"'\s]*))?")
SQLITE = re.compile(r"sqlite://(?:/(?P<path>[^?#\s]+)|:memory:)")
# PostgreSQL cuts longer names, and Django refuses them.
LONGEST_NAME = 63
UNESCAPED_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
# What Django calls them, and the parameters of PostgreSQL.
DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
TLS_VERSIONS = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
# libpq knows more parameters than these two lists. It checks the values of the others when it connects.
CHOICES = {
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "sslcertmode": {"disable", "allow", "require"},
    "ssl_min_protocol_version": TLS_VERSIONS,
    "ssl_max_protocol_version": TLS_VERSIONS,
    "sslnegotiation": {"postgres", "direct"},
    "channel_binding": {"disable", "prefer", "require"},
    "gssencmode": {"disable", "prefer", "require"},
    "load_balance_hosts": {"disable", "random"},
    "target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
}
NUMBERS = {
    "connect_timeout",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "tcp_user_timeout",
}

ESCAPE = "if a user name or password contains / ? # @ % or a blank, write it percent-encoded, such as %2F for /"
EXAMPLE = "postgres://user:password@host/inbound"


def database_url() -> Form[dict[str, Any]]:
    """`unset` is an empty dict. Errors never contain a part of the URL but the names of parameters."""
    return Form(f"a URL such as {EXAMPLE} or sqlite:////path/of/the/file", _parse, unset={}, secret=True)


def _parse(url: str) -> dict[str, Any]:
    return _sqlite(url) if url.startswith("sqlite:") else _postgresql(url)


def _sqlite(url: str) -> dict[str, Any]:
    found = SQLITE.fullmatch(url)
    if not found or UNESCAPED_PERCENT.search(url):
        raise Refused(
            "is not a URL of SQLite; it must be sqlite:///relative/path, sqlite:////absolute/path or sqlite://:memory:, "
            "without parameters and percent-encoded"
        )
    path = unquote(found["path"] or ":memory:", errors="strict")
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": path}


def _postgresql(url: str) -> dict[str, Any]:
    if not url.startswith(("postgres://", "postgresql://")):
        raise ValueError
    found = POSTGRESQL.fullmatch(url)
    if not found or found["authority"].count("@") > 1 or UNESCAPED_PERCENT.search(url):
        raise Refused(f"is not the URL of a PostgreSQL database, such as {EXAMPLE}; {ESCAPE}")
    _require_known_parameters(found["query"] or "")
    try:
        # libpq's own parser: sockets, several hosts and IPv6 mean what they mean to psql.
        options = conninfo_to_dict(url)
    except psycopg.Error:
        raise ValueError from None
    _require_usable(options)
    database = {django: options.pop(name, "") for name, django in DJANGO_NAMES.items()}
    return {"ENGINE": "django.db.backends.postgresql", **database, "OPTIONS": options}


def _require_known_parameters(query: str) -> None:
    # `ssl=true` is JDBC's sslmode=require, which libpq takes as well.
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()} | {"ssl"}
    for name, _ in parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else ():
        if name not in known:
            raise Refused(
                f"has the parameter {name[:30]!r}, which is none of PostgreSQL's; remove it (DATABASE_POOL_SIZE decides "
                "how connections are kept)"
            )


def _require_usable(options: dict[str, Any]) -> None:
    if not (options.get("dbname") or options.get("service")):
        raise Refused(f"names no database; end it with the name, as in {EXAMPLE}")
    if len(options.get("dbname", "")) > LONGEST_NAME:
        raise Refused(f"names a database with a name that is too long; it must have at most {LONGEST_NAME} characters")
    if not all(is_port(port) for port in options.get("port", "").split(",") if port):
        raise Refused(f"has a port that is not a number from 1 to 65535; {ESCAPE}")
    if not all(_is_host(host) for host in options.get("host", "").split(",") if host):
        raise Refused(f"has a host that is neither a name nor an address nor the folder of a socket; {ESCAPE}")
    for name, value in options.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise Refused(f"has a wrong value for {name}; it must be one of {', '.join(sorted(CHOICES[name]))}")
        if name in NUMBERS and not (value.isascii() and value.isdigit() and len(value) < 10):
            raise Refused(f"has a wrong value for {name}; it must be a whole number")


def _is_host(text: str) -> bool:
    # Names in private networks may contain an underscore.
    return text.startswith("/") or bool(NAME.fullmatch(text.replace("_", "0"))) or is_host(text, in_brackets=False)
