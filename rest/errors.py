"""Error answers that DRF lacks."""

from __future__ import annotations

from rest_framework.exceptions import APIException


class Refused(APIException):
    """400. `detail` is the text of the error, or a dictionary with `error` and further members of the body."""

    status_code = 400
    default_detail = "Invalid request"


class Failed(APIException):
    """500 for a service that the request depends on, with a `detail` like that of Refused."""

    status_code = 500
    default_detail = "Internal server error"


class Conflict(APIException):
    """409, with a `detail` like that of Refused."""

    status_code = 409
    default_detail = "Conflict"
