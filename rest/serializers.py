"""Serializers of request bodies and of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ValidationError


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


class Answer(serializers.Serializer[Any]):
    """An answer whose `optional` fields are absent when they have no value (docs/api/compatibility.md, "Values")."""

    optional: ClassVar[tuple[str, ...]] = ("warning",)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {name: value for name, value in shown.items() if value or name not in self.optional}
