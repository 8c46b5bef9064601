"""OpenAPI operations for drf-spectacular, from what an `OwnedViewSet` declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import append_meta
from rest_framework import serializers

from rest.schema import answers
from rest.schema.parts import parameter, reference
from rest.serializers import Answer, Body

JSON, FORM = "application/json", "multipart/form-data"
FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
# What the methods of DRF's mixins do with the object that the view's 404 names.
SUMMARIES = {
    "list": "List {many}",
    "create": "Add {one}",
    "retrieve": "Show {one}",
    "update": "Change {one}",
    "partial_update": "Change {one}",
    "destroy": "Delete {one}",
}
SCOPES = {"GET": "read", "DELETE": "delete"}


class Schema(AutoSchema):
    """drf-spectacular's schema, except that `Body.answer` is the answer to a body, and DELETE answers 200 with a body.

    Every operation has the errors that it may answer (`rest/schema/answers.py`). The first line of a method's docstring is its
    summary. The methods of DRF's mixins have none.
    """

    view: Any

    def get_operation_id(self) -> str:
        return f"{self.view.basename}-{self.view.action.replace('_', '-')}"

    def get_summary(self) -> str:
        one = self.view.not_found.partition(" not found")[0]
        noun = one if one.isupper() or one.startswith("DNS") else one[0].lower() + one[1:]
        article = "an" if noun[0] in "aeiou" else "a"
        action = self.view.action
        doc: str = self.view.summaries.get(action) or getattr(self.view, action).__doc__ or SUMMARIES.get(action, "")
        first = doc.strip().partition("\n")[0].removesuffix(".")
        return first.format(one=f"{article} {noun}", many=_plural(noun))

    def get_description(self) -> str:  # type: ignore[override]
        scope = self.view.required_scope or SCOPES.get(self.method, "write")
        return f"Needs a key with the scope `{scope}`."

    def get_auth(self) -> list[dict[str, Any]]:
        return [{answers.KEY: []}]

    def _resolve_path_parameters(self, variables: Any) -> list[dict[str, Any]]:
        text = {"type": "string", "minLength": 1}
        return [parameter(name, text, "path") for name in re.findall("{(.+?)}", self.path)]

    def _get_parameters(self) -> list[dict[str, Any]]:
        others: Mapping[str, dict[str, Any]] = self.view.parameters.get(self.view.action, {})
        return [
            *super()._get_parameters(),
            *(parameter(*other) for other in others.items()),
            *(reference("parameters", name) for name in answers.parameters_of(self.method)),
        ]

    def get_request_serializer(self) -> Any:
        """Only what has a `Body` takes one."""
        serializer = self.view.get_serializer_class()
        kind = FORM if self.view.action in self.view.uploading else JSON
        return {kind: serializer()} if issubclass(serializer, Body) else {}

    def get_response_serializers(self) -> Any:
        serializer = self.view.get_serializer_class()
        return serializer.answer() if issubclass(serializer, Body) else serializer()

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        action = self.view.action
        status = {**dict.fromkeys(self.view.creating, "201"), **dict.fromkeys(self.view.accepting, "202")}
        media_type = self.view.files.get(action, JSON)
        schema = FILE if action in self.view.files else self._answer()
        answer = {
            "description": "The file" if action in self.view.files else "Done",
            "headers": {name: reference("headers", name) for name in answers.headers_of(self.method)},
            "content": {media_type: {"schema": schema}},
        }
        found = {status.get(action, "200"): answer}
        for other, serializer in self.view.more_answers.get(action, {}).items():
            ref = self.resolve_serializer(serializer(), "response").ref
            found[other] = {**answer, "content": {media_type: {"schema": ref}}}
        errors = answers.errors_of(
            self.method,
            has_id="{" in self.path,
            is_file=action in self.view.files,
            is_upload=action in self.view.uploading,
        )
        return found | {status: reference("responses", f"Error{status}") for status in errors}

    def _answer(self) -> dict[str, Any]:
        schemas = [self.resolve_serializer(it, "response").ref for it in self._answers()]
        schema: dict[str, Any] = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        if self.view.action == "list":
            schema = self.view.paginator.get_paginated_response_schema({"type": "array", "items": schema})
            members = schema["properties"]
            members[self.view.rows_name] = members.pop("data")
            if self.view.page_serializer:
                members |= self._map_serializer(self.view.page_serializer(), "response")["properties"]
            schema["required"] = list(members)
        return schema

    def _answers(self) -> list[Any]:
        """The serializers of the answers. A dry run answers with the plan."""
        found = [self.get_response_serializers()]
        if self.view.action == "destroy" and "deletion_plan" in self.view.serializer_classes:
            found.append(self.view.serializer_classes["deletion_plan"]())
        return found

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_serializer(serializer, direction, bypass_extensions)
        if direction == "response":
            optional = {name for name, field in serializer.fields.items() if getattr(field, "optional", False)}
            optional |= set(serializer.optional) if isinstance(serializer, Answer) else set()
            schema["required"] = [name for name in schema["properties"] if name not in optional]
        return schema

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Use the `schema` that a field of ours declares. A JSON column may have any value."""
        if isinstance(field, serializers.JSONField):
            return {}
        declared: Mapping[str, Any] | None = getattr(field, "schema", None)
        if declared is None:
            return super()._map_serializer_field(field, direction, bypass_extensions)
        return append_meta(dict(declared), self._get_serializer_field_meta(field, direction))

    def get_serializer_name(self, serializer: serializers.Serializer[Any], direction: Any) -> str:
        return super().get_serializer_name(serializer, direction).lstrip("_")


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("s") else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
