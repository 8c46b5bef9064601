from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbound.configuration.declared import Configuration
from inbound.configuration.variables import InvalidConfiguration

POSTGRESQL = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"
# What libpq passes on to the server: any text without NUL.
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(CHARACTERS, min_size=1)
SECRET = "S3CR3T"


def database(url: str) -> dict[str, Any]:
    return Configuration({"DATABASE_URL": url}).DATABASE_URL


def refusal(url: str) -> str:
    with pytest.raises(InvalidConfiguration) as refused:
        database(url)
    sentence = str(refused.value)
    assert sentence.startswith("DATABASE_URL ")
    assert "\n" not in sentence
    return sentence


def postgresql(**values: Any) -> dict[str, Any]:
    empty = {"ENGINE": POSTGRESQL, "NAME": "db", "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": {}}
    return empty | values


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://u:p@h/db", postgresql(USER="u", PASSWORD="p", HOST="h")),
        ("postgresql://u:p@h:6432/db", postgresql(USER="u", PASSWORD="p", HOST="h", PORT="6432")),
        ("postgres://u:p%2F%3F%23%25%40@h/db", postgresql(USER="u", PASSWORD="p/?#%@", HOST="h")),
        ("postgres://u:p:w!$&'()*+,;=@h/db", postgresql(USER="u", PASSWORD="p:w!$&'()*+,;=", HOST="h")),
        ("postgres://u@[2001:db8::1]:5432/db", postgresql(USER="u", HOST="2001:db8::1", PORT="5432")),
        ("postgres://u@h1:1,h2:2/db", postgresql(USER="u", HOST="h1,h2", PORT="1,2")),
        ("postgres://u@/db?host=/run/postgresql", postgresql(USER="u", HOST="/run/postgresql")),
        ("postgres://%2Frun%2Fpostgresql/db", postgresql(HOST="/run/postgresql")),
        ("postgres:///db", postgresql()),
        ("postgres://my_db:5432/db", postgresql(HOST="my_db", PORT="5432")),
        (
            "postgres://h/db?sslmode=verify-full&connect_timeout=5&application_name=in%20bound",
            postgresql(
                HOST="h",
                OPTIONS={"sslmode": "verify-full", "connect_timeout": "5", "application_name": "in bound"},
            ),
        ),
        ("postgres://h/db?options=-c%20lock_timeout%3D5s", postgresql(HOST="h", OPTIONS={"options": "-c lock_timeout=5s"})),
        ("postgres:///?service=mail", postgresql(NAME="", OPTIONS={"service": "mail"})),
        ("sqlite:///relative.sqlite3", {"ENGINE": SQLITE, "NAME": "relative.sqlite3"}),
        ("sqlite:////absolute/a%20file%25.sqlite3", {"ENGINE": SQLITE, "NAME": "/absolute/a file%.sqlite3"}),
        ("sqlite://:memory:", {"ENGINE": SQLITE, "NAME": ":memory:"}),
        ("sqlite:///:memory:", {"ENGINE": SQLITE, "NAME": ":memory:"}),
    ],
)  # fmt: skip
def test_right_urls(url, expected):
    assert database(url) == expected


@given(user=TEXTS, password=TEXTS, name=st.text(CHARACTERS, min_size=1, max_size=63))
def test_any_user_password_and_database_can_be_given(user, password, name):
    url = f"postgres://{quote(user, safe='')}:{quote(password, safe='')}@db.example.net:5432/{quote(name, safe='')}"
    assert database(url) == postgresql(USER=user, PASSWORD=password, NAME=name, HOST="db.example.net", PORT="5432")


@given(path=TEXTS)
def test_any_path_of_sqlite_can_be_given(path):
    assert database(f"sqlite:///{quote(path)}")["NAME"] == path


@pytest.mark.parametrize("inside", ["/", "?", "#", "%", "%zz", "@", " ", "\t", "\u00a0", "%00", "/1:2@x?y=z"])
@pytest.mark.parametrize(
    "form", ["postgres://u:{}@h/db", "postgres://{}:p@h/db", "postgres://u:12{}@h:5432/db?sslmode=require"]
)
def test_what_must_be_escaped_in_a_password_is_explained(form, inside):
    sentence = refusal(form.format(f"{SECRET}{inside}{SECRET}"))
    assert SECRET not in sentence
    assert "write it percent-encoded, such as %2F for /" in sentence


@pytest.mark.parametrize(
    ("parameter", "found"),
    [
        ("conn_max_age=60", "'conn_max_age'"),
        ("pool=true", "'pool'"),
        ("ATOMIC_REQUESTS=true", "'ATOMIC_REQUESTS'"),
        ("conn_health_checks=1", "'conn_health_checks'"),
        ("sslmod=require", "'sslmod'"),
        ("sslmode=on", "wrong value for sslmode"),
        ("sslmode=", "wrong value for sslmode"),
        ("connect_timeout=5s", "wrong value for connect_timeout"),
        ("keepalives=true", "wrong value for keepalives"),
        ("target_session_attrs=writable", "wrong value for target_session_attrs"),
        ("port=http", "has a port"),
        ("host=a%20b", "has a host"),
    ],
)
def test_wrong_parameters_are_named(parameter, found):
    assert found in refusal(f"postgres://u:p@h/db?{parameter}")


@pytest.mark.parametrize(
    "url",
    [
        "true", "db", "h/db", "u:p@h/db", "postgres:/u:p@h/db", "postgres:u@h", "postgres//h/db", "POSTGRES://h/db", "mysql://u:p@h/db",
        "postgis://h/db", "jdbc:postgresql://h/db", "psql 'postgres://u@h/db'", "postgres://", "postgres://h", "postgres://h/",
        "postgres://h:99999/db", "postgres://h:0/db", "postgres://h:x/db", "postgres://h:-1/db", "postgres://[::1/db", "postgres://::1/db",
        "postgres://h/db/more", 'postgres://h/db"', "postgres://h/d b", "postgres://h/db#x", f"postgres://h/{'a' * 64}",
        "postgres://h/db?sslmode", "postgres://h/db?&", "postgres://ü h/db", "postgres://$HOST/db", "postgres://h/%ff",
        "postgres://h h2/db",
        "sqlite", "sqlite:", "sqlite://", "sqlite:///", "sqlite://file.sqlite3", "sqlite:///file?timeout=5", "sqlite:///a b",
        "sqlite:///100%", "sqlite:///%ff", "sqlite:///%00", "sqlite:///a#b", "sqlite3:///file", "file.sqlite3",
    ],
)  # fmt: skip
def test_other_texts_are_refused(url):
    refusal(url)
