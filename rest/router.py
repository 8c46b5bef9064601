"""The router of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.routers import SimpleRouter


class Router(SimpleRouter):
    """Paths without trailing slashes, ids of any form, and only the methods that a viewset has in `http_method_names`.

    DRF's default for ids stops at a dot. Here the viewset answers 404 with the resource's own sentence.
    """

    def __init__(self) -> None:
        super().__init__(trailing_slash=False, use_regex_path=False)

    def get_method_map(self, viewset: Any, method_map: Mapping[str, str]) -> dict[str, str]:
        """Leave out PATCH, which DRF's `UpdateModelMixin` would bind."""
        known = super().get_method_map(viewset, method_map)
        return {method: action for method, action in known.items() if method in viewset.http_method_names}
