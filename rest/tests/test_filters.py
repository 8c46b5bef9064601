from __future__ import annotations

import pytest
from rest_framework.exceptions import ValidationError

from rest.filters import ChoiceFilter, Filter, FlagFilter, IdFilter, OrderFilter, QueryFilters, TextFilter, named
from rest.names.canonical import normalise_domain
from rest.prebuilt import Parameter


class Rows:
    """A queryset that notes how it was narrowed and ordered."""

    def __init__(self, *calls: object) -> None:
        self.calls = calls

    def filter(self, **conditions: object) -> Rows:
        return Rows(*self.calls, conditions)

    def none(self) -> Rows:
        return Rows(*self.calls, "none")

    def order_by(self, *names: str) -> Rows:
        return Rows(*self.calls, names)


def applied(it: Filter, text: str | None) -> tuple[object, ...]:
    rows: Rows = it.apply(Rows(), text)
    return rows.calls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ()),
        ("", ()),
        ("indm_x-1", ({"domain_id": "indm_x-1"},)),
        ("no id", ("none",)),
        ("\x00", ("none",)),
        ("x" * 256, ("none",)),
    ],
)
def test_an_id_filter_selects_rows_by_id_and_none_for_an_invalid_id(text, expected):
    assert applied(IdFilter("domainId", "domain_id"), text) == expected


def test_an_id_filter_can_leave_the_id_open():
    place = Parameter("domainId")
    assert IdFilter("domainId", "domain_id").apply(Rows(), place).calls == ({"domain_id": place},)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ()),
        ("true", ({"is_active": True},)),
        ("false", ({"is_active": False},)),
    ],
)
def test_a_flag_selects_rows_by_a_boolean(text, expected):
    assert applied(FlagFilter("active", "is_active"), text) == expected


def test_a_flag_can_select_by_a_function():
    by = FlagFilter("finished", lambda rows, value: rows.filter(finished=value))
    assert applied(by, "true") == ({"finished": True},)


@pytest.mark.parametrize("text", ["", "TRUE", "False", "1", "yes", " true", "true\x00"])
def test_a_flag_refuses_other_texts(text):
    with pytest.raises(ValidationError, match="finished must be true or false"):
        applied(FlagFilter("finished", "finished"), text)


KIND, ORDER = (
    ChoiceFilter("type", "type", ["webhook", "email"]),
    OrderFilter("sortBy", {"newest": ("-pk",), "oldest": ("pk",)}),
)


@pytest.mark.parametrize(("text", "expected"), [(None, ()), ("", ()), ("email", ({"type": "email"},))])
def test_a_choice_selects_rows_by_its_value(text, expected):
    assert applied(KIND, text) == expected


@pytest.mark.parametrize("text", ["fax", "Email", " email", "\0"])
@pytest.mark.parametrize("query_filter", [KIND, ORDER])
def test_an_unknown_choice_is_refused_with_those_that_there_are(query_filter, text):
    with pytest.raises(
        ValidationError, match=r"(type must be one of: webhook, email|sortBy must be one of: newest, oldest)"
    ):
        applied(query_filter, text)


def test_a_name_is_found_as_people_write_it_and_what_is_none_finds_nothing():
    by = TextFilter("domain", named("name", normalise_domain))
    assert applied(by, "Bücher.example.") == ({"name": "xn--bcher-kva.example"},)
    assert applied(by, "no name") == ("none",)


@pytest.mark.parametrize(
    ("text", "expected"), [(None, ("-pk",)), ("", ("-pk",)), ("newest", ("-pk",)), ("oldest", ("pk",))]
)
def test_the_first_order_is_the_default(text, expected):
    assert applied(ORDER, text) == (expected,)


def test_a_view_without_filters_has_no_parameters():
    assert QueryFilters().get_schema_operation_parameters(object()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ()),
        ("", ()),
        ("Grüße", ({"name": "Grüße"},)),
        # No column has these, and PostgreSQL raises an error for them.
        ("a\0b", ("none",)),
        ("a\ud800b", ("none",)),
    ],
)
def test_a_text_filter_calls_its_function_unless_nothing_could_match(text, expected):
    assert applied(TextFilter("search", lambda rows, text: rows.filter(name=text)), text) == expected
