"""What all operations have in common: their errors, headers and key, as components of the description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest.schema.parts import reference

KEY = "ApiKey"
WRITES = ("POST", "PUT", "PATCH", "DELETE")

ERRORS = {
    "400": "The request is invalid. `error` says what to change",
    "401": "No valid key",
    "403": "The key lacks a scope, the role at a shared domain does not allow it, or the mail has a virus",
    "404": "Unknown id, or the object is someone else's",
    "408": "The body did not arrive in time",
    "409": "It already exists, the plan is outdated, or the same repeated request is still running",
    "410": "The stored message, the archive or the link to it is gone",
    "411": "The body has no Content-Length",
    "413": "The file is larger than IMPORT_MAX_MB",
    "415": "The body is not multipart/form-data",
    "422": "The Idempotency-Key was used for another request, or the attachment cannot be decoded",
    "429": "Too many requests with this key. Send it again after Retry-After seconds",
    "500": "A bug, or SES does not do what the request depends on",
    "503": "The database or the mail store is not available. Send it again after Retry-After seconds",
}
OF_ALL = ("400", "401", "403", "429", "500", "503")
OF_WRITES = ("404", "408", "409", "411", "422")
OF_FILES = ("410", "422")
OF_UPLOADS = ("413", "415")

HEADERS = {
    "X-Request-Id": ("string", "The id of the request: the client's own, or a new one"),
    "RateLimit-Limit": ("integer", "Requests a minute that the key has, if there is a limit"),
    "RateLimit-Remaining": ("integer", "Requests that are left in this minute"),
    "RateLimit-Reset": ("integer", "Seconds until the next minute begins"),
    "Idempotency-Replayed": ("string", "`true` if this is the answer to the first request with this Idempotency-Key"),
}
OF_ERRORS = {
    "Retry-After": ("integer", "Seconds after which to send the request again"),
    "WWW-Authenticate": ("string", "`Bearer`"),
}
WITH_HEADERS = {"401": ["WWW-Authenticate"], "409": ["Retry-After"], "429": ["Retry-After"], "503": ["Retry-After"]}

PARAMETERS = {
    "Idempotency-Key": (
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "A key of your choice. A request that is sent again with it runs only once and gets the first answer",
    ),
    "X-Request-Id": (
        {"type": "string"},
        "An id of your choice for this request, for the logs and the record of changes",
    ),
}
PROOF = {"type": "TXT", "name": "_inbound-proof.example.org", "value": "inbound-verification=…"}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "A sentence for people"},
        "code": {
            "type": "string",
            "description": "For programs",
            "examples": ["PLAN_OUTDATED"],
        },
        "details": {"type": "string", "description": "The reason"},
        "required": {"type": "array", "items": {"type": "string"}, "description": "The members that are required"},
        "validTypes": {"type": "array", "items": {"type": "string"}, "description": "The types of endpoints"},
        "validFormats": {"type": "array", "items": {"type": "string"}, "description": "The formats of a test"},
        "proof": {
            "type": "object",
            "description": "The TXT record that proves a domain",
            "properties": {name: {"type": "string", "examples": [text]} for name, text in PROOF.items()},
        },
        "exportId": {
            "type": "string",
            "description": "Of `EXPORT_RUNNING`: the export that is not finished",
            "examples": ["exp_V1StGXR8Z5jdHi6BmyTkq"],
        },
        "importId": {
            "type": "string",
            "description": "Of `IMPORT_RUNNING`: the import that is not finished",
            "examples": ["imp_V1StGXR8Z5jdHi6BmyTkq"],
        },
        "deletionId": {
            "type": "string",
            "description": "Of `DOMAIN_RESTORABLE`: the deletion that can be restored",
            "examples": ["del_V1StGXR8Z5jdHi6BmyTkq"],
        },
        "restorableUntil": {
            "type": "string",
            "description": "Of `DOMAIN_RESTORABLE`: until when it can be restored",
            "examples": ["2026-12-26T10:30:00.000Z"],
        },
        "success": {"type": "boolean", "description": "Of some calls: false"},
        "message": {"type": "string", "description": "Of the test of an endpoint: the same as `error`"},
        "responseTime": {"type": "integer", "description": "Of the test of an endpoint: 0"},
    },
}


def errors_of(method: str, *, has_id: bool, is_file: bool, is_upload: bool) -> list[str]:
    """The statuses of the errors that an operation may answer."""
    found = {*OF_ALL, *(OF_WRITES if method in WRITES else ()), *(OF_FILES if is_file else ())}
    found |= {*(OF_UPLOADS if is_upload else ())}
    return sorted(found | ({"404"} if has_id else set()))


def headers_of(method: str) -> Iterator[str]:
    return (name for name in HEADERS if method in WRITES or name != "Idempotency-Replayed")


def parameters_of(method: str) -> Iterator[str]:
    return (name for name in PARAMETERS if method in WRITES or name != "Idempotency-Key")


def components() -> dict[str, Any]:
    """The components that the operations refer to, by kind."""
    return {
        "schemas": {"Error": ERROR},
        "responses": {f"Error{status}": _response(status, text) for status, text in ERRORS.items()},
        "headers": {name: _header(*header) for name, header in {**HEADERS, **OF_ERRORS}.items()},
        "parameters": {
            name: {"name": name, "in": "header", "required": False, "schema": schema, "description": f"{text}."}
            for name, (schema, text) in PARAMETERS.items()
        },
        "securitySchemes": {KEY: {"type": "http", "scheme": "bearer", "description": "A key, such as `inb_…`."}},
    }


def _response(status: str, text: str) -> dict[str, Any]:
    names = ["X-Request-Id", *WITH_HEADERS.get(status, [])]
    content = {"application/json": {"schema": reference("schemas", "Error")}}
    return {
        "description": f"{text}.",
        "headers": {name: reference("headers", name) for name in names},
        "content": content,
    }


def _header(kind: str, text: str) -> dict[str, Any]:
    return {"schema": {"type": kind}, "description": f"{text}."}
