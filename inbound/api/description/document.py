"""The description as a whole: what drf-spectacular finds in the viewsets, with the components and words that all share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from inbound.api.description.words import NUMBERS, PARAMETERS, TEXTS, TEXTS_OF
from rest.schema.answers import components

MOMENT = "2026-11-26T10:30:00.000Z"
OF_TYPES = {"boolean": True, "integer": 1, "number": 1}
ALWAYS_NULL = ("webhookId", "bucketName", "objectKey", "sentAt")


@cache
def document() -> bytes:
    """The description as JSON. It depends on the code only, so it is made once."""
    return json.dumps(SchemaGenerator().get_schema(request=None, public=True)).encode()


def finish(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook for the finished description."""
    for kind, named in components().items():
        result["components"].setdefault(kind, {}).update(named)
    for place, text in TEXTS_OF.items():
        component, special = place.split(".")
        result["components"]["schemas"][component]["properties"][special]["examples"] = [text]
    for part in list(_objects(result)):
        if part.get("in") in ("query", "path") and "name" in part:
            part["description"] = PARAMETERS.get(part["name"], "")
        # Requests and answers have components of their own.
        for name in ("readOnly", "x-spec-enum-id"):
            if not isinstance(part.get(name, {}), dict):
                del part[name]
        if part.pop("nullable", False) is True:
            part["type"] = [part["type"], "null"]
        for name, member in _members(part):
            if name in ALWAYS_NULL and "null" in member.get("type", []):
                member["examples"] = [None]
            elif (example := _example(name, member)) is not None:
                member["examples"] = [example]
    return result


def _example(name: str, member: dict[str, Any]) -> object:
    """An example of a member of an object. None for those that consist of others."""
    kinds = member.get("type", [])
    if "const" in member or "enum" in member or "examples" in member:
        return None
    if "string" in kinds:
        return MOMENT if name.endswith("At") or member.get("format") == "date-time" else TEXTS.get(name)
    if "integer" in kinds and name in NUMBERS:
        return NUMBERS[name]
    return next((OF_TYPES[kind] for kind in OF_TYPES if kind in kinds), None)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of the document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _objects(part)


def _members(part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    members = part.get("properties")
    return list(members.items()) if isinstance(members, dict) and "type" in part else []
