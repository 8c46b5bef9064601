"""Serializer fields. Fields of requests accept exactly the JSON type of the contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, NoReturn

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

TEXT_LIMIT = 255


class _Typed:
    """Mixin that accepts one JSON type only. Errors name the field: `isActive must be a boolean`."""

    what: str
    python: type

    def to_internal_value(self, data: Any) -> Any:
        if type(data) is not self.python:
            raise ValidationError(f"{self.field_name} must be {self.what}")  # type: ignore[attr-defined]
        return super().to_internal_value(data)  # type: ignore[misc]

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        if key in ("null", "invalid"):
            raise ValidationError(f"{self.field_name} must be {self.what}")  # type: ignore[attr-defined]
        super().fail(key, **kwargs)  # type: ignore[misc]
        raise AssertionError  # mypy cannot know that `fail` always raises


class Boolean(_Typed, serializers.BooleanField):
    schema: ClassVar[dict[str, Any]] = {"type": "boolean"}
    what, python = "a boolean", bool


class Text(_Typed, serializers.CharField):
    """A string of at most 255 characters, without NUL and lone surrogates, which no database column takes."""

    what, python = "a string", str

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", TEXT_LIMIT)
        kwargs.setdefault("allow_blank", True)
        super().__init__(**kwargs)

    def run_validators(self, value: Any) -> None:
        try:
            super().run_validators(value)
        except serializers.ValidationError as error:
            raise ValidationError(f"{self.field_name} is not valid: {_first(error.detail)}") from error


def _first(detail: Any) -> str:
    return str(detail[0]) if isinstance(detail, list) and detail else str(detail)


class Timestamp(serializers.DateTimeField):
    """UTC, ISO 8601, milliseconds and `Z` (docs/api/compatibility.md, "Values")."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time", "nullable": True}

    def to_representation(self, value: Any) -> Any:
        return timestamp_or_none(value)


def timestamp_or_none(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextOrNull(serializers.CharField):
    """Read-only text. An empty one is shown as null."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "nullable": True}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return value or None


class Constant(serializers.Field[Any, Any, Any, Any]):
    """A part of an answer that is always the same. `optional`: the serializer may leave it out."""

    def __init__(self, value: Any, *, optional: bool = False, **kwargs: Any) -> None:
        super().__init__(read_only=True, source="*", **kwargs)
        self.value = value
        self.optional = optional
        # What is always null has another type in the contract.
        self.schema = {"const": value} if value is not None else {"type": ["string", "null"]}

    def to_representation(self, value: Any) -> Any:
        return self.value


class OrNull(NamedTuple):
    """In an example for `like`: a value that may be null."""

    value: Any


class Optional(NamedTuple):
    """In an example for `like`: a member that may be absent."""

    value: Any


def like(example: Any) -> dict[str, Any]:
    """The JSON schema of values that have the form of an example, which becomes a part of it. An empty list may have any items."""
    match example:
        case OrNull(value):
            schema = like(value)
            return {**schema, "type": [schema["type"], "null"]}
        case {} if not example:
            return {"type": "object"}
        case dict():
            members = {name: like(it.value if isinstance(it, Optional) else it) for name, it in example.items()}
            required = [name for name, it in example.items() if not isinstance(it, Optional)]
            return {"type": "object", "properties": members, "required": required}
        case list():
            return {"type": "array", "items": like(example[0]) if example else {}}
        case _:
            kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
            return {"type": kinds[type(example)], "examples": [example]}


class Json(serializers.Field[Any, Any, Any, Any]):
    """A JSON value that is shown as it is."""

    def __init__(self, schema: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.schema = schema

    def to_representation(self, value: Any) -> Any:
        return value


class SchemaOnly(serializers.Field[Any, Any, Any, Any]):
    """A member that `to_representation` of the serializer adds. Describes its name and JSON type.

    `optional`: it may be absent.
    """

    def __init__(self, kind: str | dict[str, Any], *, nullable: bool = False, optional: bool = False) -> None:
        super().__init__(read_only=True)
        self.schema = kind if isinstance(kind, dict) else {"type": kind, "nullable": nullable}
        self.optional = optional

    def get_attribute(self, instance: Any) -> NoReturn:
        raise serializers.SkipField
