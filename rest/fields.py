"""Serializer fields that take exactly the JSON type that the contract names, and say so by the field's name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

TEXT_LIMIT = 255


class _Named:
    """Errors begin with the field's own name: `isActive must be a boolean`."""

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
        raise AssertionError  # `fail` always raises, which a mix-in's type checker cannot know


class Boolean(_Named, serializers.BooleanField):
    what, python = "a boolean", bool


class Text(_Named, serializers.CharField):
    """A string of at most 255 characters; refuses what no database column takes (NUL, lone surrogates)."""

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


class Object(_Named, serializers.DictField):
    what, python = "an object", dict


class Timestamp(serializers.DateTimeField):
    """UTC, ISO 8601, milliseconds and `Z` (docs/api/compatibility.md, "Values")."""

    def to_representation(self, value: Any) -> Any:
        return None if value is None else timestamp(value)


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Body(serializers.Serializer[Any]):
    """A request body. `required_together` are reported at once, with their names, before any other look at the body."""

    required_together: tuple[str, ...] = ()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and any(data.get(name) in (None, "") for name in self.required_together):
            raise ValidationError({"error": "Missing required fields", "required": list(self.required_together)})
        return super().to_internal_value(data)

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """The validated body; raises DRF's ValidationError, whose first text becomes the answer's `error`."""
        body = cls(data=data)
        body.is_valid(raise_exception=True)
        values: dict[str, Any] = body.validated_data
        return values
