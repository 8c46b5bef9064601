"""The description with answers that may have no members besides those that it names."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from inbound.api.description.document import document


@cache
def closed() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(document())
    for part in described["components"]["schemas"].values():
        _close(part)
    for path in described["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    _close(content["schema"])
    return described


def _close(part: Any) -> None:
    if isinstance(part, dict):
        if "properties" in part:
            part["additionalProperties"] = False
        for below in part.values():
            _close(below)
    elif isinstance(part, list):
        for below in part:
            _close(below)
