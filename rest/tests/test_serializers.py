from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from rest.fields import Boolean, Constant, Text, TextOrNull, Timestamp
from rest.serializers import Answer, Body, ReadSerializer


class Shown(Answer):
    name = TextOrNull()
    kind = Constant("fixed")
    at = Timestamp()
    warning = serializers.CharField()


class Create(Body):
    answer = Shown
    required_together = ("name", "kind")

    name = Text()
    kind = Text()
    isActive = Boolean(required=False)


class Part(ReadSerializer[Any]):
    name = TextOrNull()


class Whole(ReadSerializer[Any]):
    """Every kind of field that answers use."""

    id = serializers.CharField(source="pk")
    isActive = serializers.BooleanField(source="is_active")
    ownerId = serializers.CharField(source="domain.owner_id")
    none = serializers.CharField()
    at = Timestamp()
    kind = Constant("fixed")
    itself = Part(source="*")
    part = Part(allow_null=True)
    absent = Part(allow_null=True)
    parts = Part(many=True)
    method = serializers.SerializerMethodField()

    def get_method(self, whole: Any) -> str:
        return f"method of {whole.pk}"


WHOLE = SimpleNamespace(
    pk=1,
    is_active=True,
    domain=SimpleNamespace(owner_id=7),
    none=None,
    at=datetime(2026, 1, 1, tzinfo=UTC),
    name="whole",
    part=SimpleNamespace(name="part"),
    absent=None,
    parts=[SimpleNamespace(name="")],
)


def first_error(data: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Create(data=data).is_valid(raise_exception=True)
    detail: Any = caught.value.detail
    return str(detail.get("error") or next(iter(detail.values()))[0])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"name": 5, "kind": "x"}, "name must be a string"),
        ({"name": "x", "kind": ["x"]}, "kind must be a string"),
        ({"name": "x", "kind": "x", "isActive": "true"}, "isActive must be a boolean"),
        ({"name": "x", "kind": "x", "isActive": 1}, "isActive must be a boolean"),
        ({"name": "x", "kind": "x", "isActive": None}, "isActive must be a boolean"),
        ({"name": "a\x00b", "kind": "x"}, "name is not valid: Null characters are not allowed."),
        ({"isActive": 5}, "Missing required fields"),
        ({"name": "", "kind": "x"}, "Missing required fields"),
    ],
)
def test_an_error_names_the_field(data, error):
    assert first_error(data) == error


def test_all_missing_required_fields_are_listed_at_once():
    with pytest.raises(ValidationError) as caught:
        Create(data={}).is_valid(raise_exception=True)
    assert caught.value.detail["required"] == ["name", "kind"]


def test_a_body_is_shown_by_the_serializer_of_its_answer():
    body = Create(data={"name": "x", "kind": "y"})
    body.is_valid(raise_exception=True)
    body.instance = SimpleNamespace(name="", at=None, warning=None)
    assert body.data == {"name": None, "kind": "fixed", "at": None}


def test_an_optional_field_is_shown_if_it_has_a_value():
    assert Shown(SimpleNamespace(name="x", at=None, warning="Late")).data["warning"] == "Late"


def test_an_object_is_shown_as_by_drf():
    serializer = Whole(WHOLE)
    assert dict(serializer.data) == serializers.Serializer.to_representation(serializer, WHOLE)
    assert list(serializer.data) == list(serializer.fields)


def test_a_time_is_shown_in_utc_with_milliseconds():
    moment = datetime(2026, 11, 26, 12, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    assert Timestamp().to_representation(moment) == "2026-11-26T10:30:00.123Z"
    assert Timestamp().to_representation(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
