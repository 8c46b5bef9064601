"""Parts of a description."""

from __future__ import annotations

from typing import Any

from rest.fields import like

PAGINATION = like({"limit": 50, "offset": 0, "total": 1, "hasMore": False})


def parameter(name: str, schema: dict[str, Any], place: str = "query") -> dict[str, Any]:
    """Describe a query or path parameter. Only path parameters are required."""
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def reference(kind: str, name: str) -> dict[str, str]:
    """A component of this kind, such as `schemas`."""
    return {"$ref": f"#/components/{kind}/{name}"}
