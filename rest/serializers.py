"""Serializers of request bodies and of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple, TypeVar

from django.db.models import Model
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from rest.fields import SchemaOnly

Row = TypeVar("Row")
ModelRow = TypeVar("ModelRow", bound=Model)


class Body(serializers.Serializer[Any]):
    """A request body, with the serializer of its answer.

    If any of `required_together` is missing, one error names all of them, before anything else is checked.
    """

    required_together: ClassVar[tuple[str, ...]] = ()
    answer: ClassVar[type[serializers.BaseSerializer[Any]]]

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and any(data.get(name) in (None, "") for name in self.required_together):
            raise ValidationError({"error": "Missing required fields", "required": list(self.required_together)})
        return super().to_internal_value(data)

    def to_representation(self, instance: Any) -> Any:
        return self.answer(instance, context=self.context).data


class ReadSerializer(serializers.Serializer[Row]):
    """An answer about an object. Only for reading, and not for dictionaries.

    DRF copies all fields for each serializer and looks their sources up for each row, which was a quarter of the time of a
    list. Here both is done once per class. Fields therefore do not see the serializer's context.
    """

    def to_representation(self, instance: Row) -> dict[str, Any]:
        shown = {}
        for member in _members(type(self)):
            value = member.get(instance)
            shown[member.name] = None if value is None else member.show(value)
        return shown


class ReadModelSerializer(ReadSerializer[ModelRow], serializers.ModelSerializer[ModelRow]):
    """The same for a model, with fields from its columns."""


class _Member(NamedTuple):
    name: str
    get: Callable[[Any], Any]
    show: Callable[[Any], Any]


@cache
def _members(serializer: type[ReadSerializer[Any]]) -> list[_Member]:
    """The members of the answer, without those that `to_representation` of a subclass adds."""
    return [
        _Member(name, _itself if field.source == "*" else attrgetter(str(field.source)), field.to_representation)
        for name, field in serializer().fields.items()
        if not isinstance(field, SchemaOnly)
    ]


def _itself(instance: Any) -> Any:
    return instance


class Answer(ReadSerializer[Any]):
    """An answer whose `optional` fields are absent when they have no value (docs/api/compatibility.md, "Values")."""

    optional: ClassVar[tuple[str, ...]] = ("warning",)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {name: value for name, value in shown.items() if value or name not in self.optional}
