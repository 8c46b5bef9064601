"""Error answers that DRF lacks."""

from __future__ import annotations

from rest_framework.exceptions import APIException


class Conflict(APIException):
    """409. `detail` is the text of the error, or a dictionary with `error` and further members of the body."""

    status_code = 409
    default_detail = "Conflict"
