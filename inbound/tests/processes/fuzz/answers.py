"""What every answer keeps: it is no failure, it is as the description says, and it tells nothing of the stranger."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator

from inbound.tests.api.description.closed import closed
from inbound.tests.processes.fuzz.rows import MARK

# gunicorn's own, before the application has the request: the line or a header is too long.
OF_THE_SERVER = (414, 431)


def problem(path: str, method: str, answer: Any) -> str | None:
    """What is wrong with the answer to a request of an operation. None if nothing is."""
    if MARK in answer.text or MARK in str(answer.headers):
        return "It has something of another owner."
    if answer.status_code >= 500:
        return "The server has failed."
    if answer.status_code in OF_THE_SERVER:
        return None
    if "X-Request-Id" not in answer.headers:
        return "It has no X-Request-Id."
    described = closed()["paths"][path]
    if method == "options":
        return None if (answer.status_code, answer.content) == (204, b"") else "OPTIONS is 204 without a body."
    if answer.status_code == 405:
        return None if method not in described and answer.content == b"" else "It is 405 for a described method."
    if method not in described:
        # What is said of key and headers comes before the 405.
        return (
            None
            if method == "head" or answer.status_code in (400, 401, 403, 409, 422)
            else "A method is not described."
        )
    found = _found(path, method, str(answer.status_code))
    if found is None:
        return f"The status {answer.status_code} is not described."
    media_type, validator = found
    if validator is None:
        return None
    if answer.headers.get("Content-Type") != media_type:
        return f"It is not {media_type}."
    error = next(validator.iter_errors(answer.json()), None)
    return f"{error.instance_path}: {error.message}" if error else None


@cache
def _found(path: str, method: str, status: str) -> tuple[str, Draft202012Validator | None] | None:
    """The media type of an answer, and what checks it. Files are not checked."""
    described = closed()
    answer = described["paths"][path][method]["responses"].get(status)
    if answer is None:
        return None
    if "$ref" in answer:
        answer = described["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    ((media_type, content),) = answer["content"].items()
    if media_type != "application/json":
        return media_type, None
    return media_type, Draft202012Validator({**content["schema"], "components": described["components"]})
