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


class Gone(APIException):
    """410. What the client asks for existed and will not come back."""

    status_code = 410
    default_detail = "Gone"


class Unprocessable(APIException):
    """422. The request is fine, but what it is about is not."""

    status_code = 422
    default_detail = "Not processable"


class TooManyRequests(APIException):
    """429. The client may repeat the request after `retry_seconds`."""

    status_code = 429

    def __init__(self, detail: str, retry_seconds: int) -> None:
        super().__init__(detail)
        self.retry_seconds = retry_seconds


class Unavailable(APIException):
    """503 for a service that is not available at the moment. The client is told to repeat the request."""

    status_code = 503
    default_detail = "Not available at the moment. Try again in a few seconds."
    retry_seconds = 5
