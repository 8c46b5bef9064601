"""OpenAPI operations for DRF's `generateschema`, from what an `OwnedViewSet` declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.schemas.openapi import AutoSchema

from rest.serializers import Answer, Body

FILE = {"type": "string", "format": "binary"}


class Schema(AutoSchema):
    """DRF's schema, except that `Body.answer` is the answer to a body, and DELETE answers 200 with a body.

    Does not need `uritemplate` and `inflection`, which DRF would use for parameters in paths and for plurals.
    """

    view: Any

    def get_operation_id(self, path: str, method: str) -> str:
        return f"{self.view.basename}-{self.view.action.replace('_', '-')}"

    def get_path_parameters(self, path: str, method: str) -> list[dict[str, Any]]:
        return [parameter(name, {"type": "string"}, "path") for name in re.findall("{(.+?)}", path)]

    def get_filter_parameters(self, path: str, method: str) -> list[dict[str, Any]]:
        others: Mapping[str, dict[str, Any]] = self.view.parameters.get(self.view.action, {})
        return super().get_filter_parameters(path, method) + [parameter(*other) for other in others.items()]

    def allows_filters(self, path: str, method: str) -> bool:
        return bool(self.view.action == "list")

    def map_parsers(self, path: str, method: str) -> list[str]:
        """Return JSON's media type. The parser accepts any."""
        return ["application/json"]

    def get_serializer(self, path: str, method: str) -> Any:
        """Without a context, because there is no request."""
        return self.view.get_serializer_class()()

    def get_request_body(self, path: str, method: str) -> dict[str, Any]:
        """Only what has a `Body` takes one."""
        body: dict[str, Any] = super().get_request_body(path, method)
        return body if isinstance(self.get_serializer(path, method), Body) else {}

    def get_response_serializer(self, path: str, method: str) -> Any:
        serializer = self.get_serializer(path, method)
        return serializer.answer() if isinstance(serializer, Body) else serializer

    def get_components(self, path: str, method: str) -> dict[str, Any]:
        if self.view.action in self.view.files:
            return {}
        used = [self.get_serializer(path, method), *self._answers(path, method)]
        return {self.get_component_name(serializer): self.map_serializer(serializer) for serializer in used}

    def get_responses(self, path: str, method: str) -> dict[str, Any]:
        if media_type := self.view.files.get(self.view.action):
            return {"200": {"description": "", "content": {media_type: {"schema": FILE}}}}
        schema: dict[str, Any]
        schema, *others = [self.get_reference(answer) for answer in self._answers(path, method)]
        if others:
            schema = {"oneOf": [schema, *others]}
        if self.view.action == "list":
            schema = self.view.paginator.get_paginated_response_schema({"type": "array", "items": schema})
            schema["properties"][self.view.rows_name] = schema["properties"].pop("data")
            if self.view.page_serializer:
                schema["properties"] |= self.map_serializer(self.view.page_serializer())["properties"]
        content = {media_type: {"schema": schema} for media_type in self.map_renderers(path, method)}
        status = {**dict.fromkeys(self.view.creating, "201"), **dict.fromkeys(self.view.accepting, "202")}
        return {status.get(self.view.action, "200"): {"description": "", "content": content}}

    def map_serializer(self, serializer: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super().map_serializer(serializer)
        if isinstance(serializer, Answer) and "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in serializer.optional]
        return schema

    def map_field(self, field: Any) -> dict[str, Any]:
        """Use the `schema` that a field of ours declares. A method may return any JSON value."""
        if isinstance(field, serializers.SerializerMethodField):
            return {}
        declared: Mapping[str, Any] | None = getattr(field, "schema", None)
        return super().map_field(field) if declared is None else dict(declared)

    def _answers(self, path: str, method: str) -> list[Any]:
        """The serializers of the answers. A dry run answers with the plan."""
        answers = [self.get_response_serializer(path, method)]
        if self.view.action == "destroy" and "deletion_plan" in self.view.serializer_classes:
            answers.append(self.view.serializer_classes["deletion_plan"]())
        return answers


def parameter(name: str, schema: dict[str, Any], place: str = "query") -> dict[str, Any]:
    """Describe a query or path parameter. Only path parameters are required."""
    return {"name": name, "in": place, "required": place == "path", "schema": schema}
