"""What a query may contain: the parameters of the call, each with one value."""

from __future__ import annotations

from collections.abc import Collection

from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

SHOWN_CHARACTERS = 50


def check_query(request: Request, known: Collection[str]) -> None:
    """Raise ValidationError for parameters that the call does not have, and for one with several values.

    A parameter that is misspelt and ignored would make a list show everything (docs/api/compatibility.md, "Lists").
    """
    unchanged = "" if request.method in SAFE_METHODS else " Nothing was changed."
    for name, texts in request.query_params.lists():
        if name not in known:
            taken = ", ".join(known) or "none"
            raise ValidationError(
                f"{name[:SHOWN_CHARACTERS]} is not a query parameter of this call. It takes: {taken}.{unchanged}"
            )
        if len({*texts}) > 1:
            raise ValidationError(f"{name} is given more than once, with different values.{unchanged}")
