"""Any text in any variable is taken as it was given, or refused in one sentence that names the variable."""

from __future__ import annotations

import os
import runpy
from typing import Any
from unittest import mock
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inbound.configuration.declared import Configuration
from inbound.configuration.forms import FLAGS
from inbound.configuration.variables import InvalidConfiguration, Variable
from inbound.settings import BASE_DIR
from inbound.tests.configuration.examples import EXAMPLES

VARIABLES = Configuration.declared()
IDS = [variable.name for variable in VARIABLES]
SECRETS = [variable for variable in VARIABLES if variable.form.secret]
WORDS = (
    "DEBUG",
    "INFO",
    "WARNING",
    "ERROR",
    "CRITICAL",
    "json",
    "sqs",
    "sns",
    "sweep",
    "none",
    "quarantine",
    "deliver",
    "drop",
)
MARK = "S3CR3T"
# What an environment can hold: any character but NUL, and bytes that are not UTF-8.
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.characters(
    min_codepoint=0xDC80, max_codepoint=0xDCFF
)
SLIPS = st.sampled_from(["", *"\"' \t\n\r$%/?#@:,;=&+_-.*019٣\u00a0\u2028é", "\r\n", "://", "s3://", "nan", "inf"])


@st.composite
def near(draw: st.DrawFn, text: str) -> str:
    """A slip away from `text`: something put in, or a few characters left out."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    wrapping = draw(st.sampled_from(["", "", '"', "'", " ", "\n"]))
    return wrapping + text[:start] + draw(SLIPS | CHARACTERS) + text[end:] + wrapping


def texts(variable: Variable[Any]) -> st.SearchStrategy[str]:
    other = st.sampled_from(sorted(set(EXAMPLES.values())))
    return st.text(CHARACTERS) | st.just(EXAMPLES[variable.name]) | near(EXAMPLES[variable.name]) | other.flatmap(near)


def is_what_was_given(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return value is FLAGS[text.lower()]
    if isinstance(value, int | float):
        return text.isascii() and "_" not in text and value == float(text)
    if isinstance(value, list):
        parts = text.split(",")
        return len(parts) == len(value) and all(is_what_was_given(*pair) for pair in zip(value, parts, strict=True))
    if isinstance(value, dict):
        return all(str(value.get(part, "")) in unquote(text) for part in ("NAME", "USER", "PASSWORD", "HOST", "PORT"))
    # A URL loses its last slash.
    return bool(
        value == text.rstrip("/")
        or value == text
        or (text.isascii() and text.lower() == str(value).lower() and value in WORDS)
    )


def refusal(variable: Variable[Any], text: str) -> str:
    """Empty if the text is taken."""
    try:
        variable.read({variable.name: text})
    except InvalidConfiguration as error:
        return str(error)
    return ""


def assert_is_one_sentence(message: str, name: str) -> None:
    assert message.startswith(f"{name} ")
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < 400


def test_there_is_an_example_for_every_variable_and_it_is_not_the_default():
    assert EXAMPLES.keys() == {variable.name for variable in VARIABLES}
    for variable in VARIABLES:
        assert is_what_was_given(variable.read(EXAMPLES), EXAMPLES[variable.name])
        assert variable.read(EXAMPLES) != variable.read({})
    assert Configuration(EXAMPLES).values == {variable.name: variable.read(EXAMPLES) for variable in VARIABLES}


@pytest.mark.parametrize("variable", VARIABLES, ids=IDS)
def test_an_empty_variable_counts_as_not_set(variable):
    assert variable.read({variable.name: ""}) == variable.read({})


@pytest.mark.parametrize("variable", VARIABLES, ids=IDS)
@given(st.data())
def test_a_text_is_the_value_or_refused_in_one_sentence(variable, data):
    text = data.draw(texts(variable))
    if sentence := refusal(variable, text):
        assert_is_one_sentence(sentence, variable.name)
    else:
        value = variable.read({variable.name: text})
        assert is_what_was_given(value, text) if text else value == variable.read({})


@pytest.mark.parametrize("variable", SECRETS, ids=[variable.name for variable in SECRETS])
@given(st.data())
def test_no_part_of_a_secret_is_shown(variable, data):
    around = st.lists(SLIPS | CHARACTERS, max_size=3).map("".join)
    secret = data.draw(around) + MARK + data.draw(around)
    text = data.draw(
        st.sampled_from(
            [
                secret,
                f"postgres://user:{secret}@host/db",
                f"postgres://{secret}:{secret}@host:5432/db?pool=true",
                f"sqlite://{secret}",
                f"http://user:{secret}@host:99999/",
                f'"{secret}',
            ]
        )
    )
    sentence = refusal(variable, text)
    assert MARK not in sentence
    if sentence:
        assert_is_one_sentence(sentence, variable.name)


def start(environ: dict[str, str]) -> dict[str, Any]:
    """The Django settings that this environment gives. Raises SystemExit."""
    with mock.patch.dict(os.environ, environ, clear=True):
        return runpy.run_path(str(BASE_DIR / "inbound" / "settings.py"))


@given(st.fixed_dictionaries({}, optional={variable.name: texts(variable) for variable in VARIABLES}))
@example(EXAMPLES)
def test_a_start_has_the_given_values_or_one_line_for_each_wrong_one(environ):
    wrong = [it.name for it in VARIABLES if it.name in environ and refusal(it, environ[it.name])]
    try:
        settings = start(environ)
    except SystemExit as end:
        lines = str(end.code).split("\n")
        names = [line.partition(" ")[0] for line in lines]
        # Values that are right by themselves may contradict each other.
        assert names == wrong or (not wrong and set(names) <= {"SES_TOPIC_ARN", "SES_QUEUE_URL"})
        for line in lines:
            assert_is_one_sentence(line, line.partition(" ")[0])
    else:
        assert wrong == []
        given = Configuration(environ)
        assert given.settings().items() <= settings.items()
        assert settings["SECRET_KEY"] == (environ.get("SECRET_KEY") or settings["INSECURE_SECRET_KEY"])
        assert settings["LOGGING"]["root"]["level"] == given.LOG_LEVEL
        assert given.DATABASE_URL.get("NAME", "") in settings["DATABASES"]["default"]["NAME"]
