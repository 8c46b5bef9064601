"""Answers that are errors, beyond those that DRF brings along."""

from __future__ import annotations

from rest_framework.exceptions import APIException


class Conflict(APIException):
    """409. `detail` is the error's text, or a dictionary with an `error` and whatever else the contract has beside it."""

    status_code = 409
    default_detail = "Conflict"
