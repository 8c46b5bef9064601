"""Requests: as the description says, against it, and almost right, with ids of the caller, of a stranger and of nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from archives.tests.format.reading.making import archive_of
from archives.tests.uploads.uploading import numbered
from inbound.api.description.document import document
from inbound.tests.api.requests.test_any_request import BAD_TEXTS, VALID

FORM = "multipart/form-data"
WITH_BODY = ("POST", "PUT", "PATCH")
# HTTP clients drop empty and dotted parts of a path: the request would be for another operation.
BAD_IDS = [text for text in BAD_TEXTS if text not in ("", "../..")]
OTHER_METHODS = ("HEAD", "OPTIONS", "PATCH", "TRACE")
ALMOST_RIGHT: list[dict[str, Any]] = [
    *VALID,
    {"emailIds": [], "updates": {"isRead": True}},
    {"status": "failed"},
    {"release": True},
]
# Members that name rows, and of which kind.
NAMING = {
    "domainId": "domains",
    "catchAllEndpointId": "endpoints",
    "endpointId": "endpoints",
    "endpoint_id": "endpoints",
}
# Whose row, and which of theirs. Hypothesis wants the same choices each time, however the rows change meanwhile.
whose = st.sampled_from(["mine"] * 6 + ["theirs"] * 2 + ["nobody's"])
which = st.integers(0, 1000)
with_our_key = st.sampled_from([True] * 30 + [False])


class Cases:
    def __init__(self, mine: Mapping[str, list[str]], theirs: Mapping[str, list[str]]) -> None:
        read = json.loads(document())
        described = schemathesis.openapi.from_dict(read)
        self._members = {name: schema.get("properties", {}) for name, schema in read["components"]["schemas"].items()}
        self._rows = {"mine": mine, "theirs": theirs, "nobody's": dict.fromkeys(mine, BAD_IDS)}
        # The description is valid (`description/test_pages.py`), so each is an operation and no error.
        operations: list[Any] = [found.ok() for found in cast(Any, described.get_all_operations())]
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        self._strategies = [operation.as_strategy(generation_mode=mode) for operation in operations for mode in modes]

    def draw(self, data: st.DataObject) -> Case:
        case: Case = data.draw(data.draw(st.sampled_from(self._strategies)))
        kind = case.path.split("/")[3]
        # Most requests are about a row that exists. The other parts of a path would rarely be right by chance.
        parts = {
            "id": self._id(data, kind),
            "index": data.draw(st.sampled_from(["0", "0", "1", "x"])),
            "filename": data.draw(st.sampled_from(["a.txt", "a.txt", "b/c"])),
            "user": data.draw(st.sampled_from(["1", "2", "x"])),
        }
        case.path_parameters = {name: parts[name] for name in case.path_parameters or {}}
        if data.draw(st.booleans()) and case.method in WITH_BODY:
            is_form = case.media_type == FORM
            case.body = _form(data) if is_form else self._almost_right(data, kind, self._fitting(case))
        if data.draw(with_our_key):
            # Instead of the description's.
            case.headers.pop("Authorization", None)
        return case

    def _id(self, data: st.DataObject, kind: str) -> str:
        ids = self._rows[data.draw(whose)].get(kind) or ["nothing"]
        return ids[data.draw(which) % len(ids)]

    def _fitting(self, case: Case) -> list[dict[str, Any]]:
        """Bodies that have only members of this operation. All bodies if there are none."""
        schema = cast(Any, case.operation).definition.raw.get("requestBody", {}).get("content", {})
        name = schema.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        members = self._members.get(name, {})
        return [body for body in ALMOST_RIGHT if body.keys() <= members.keys()] or ALMOST_RIGHT

    def _almost_right(self, data: st.DataObject, kind: str, bodies: list[dict[str, Any]]) -> Any:
        """A body whose ids and names may exist."""
        body: dict[str, Any] = dict(data.draw(st.sampled_from(bodies)))
        for name, of in NAMING.items():
            pk = self._id(data, of)
            if data.draw(st.booleans()):
                body[name] = pk
        rows = [self._id(data, kind) for _ in range(3)]
        for name in ("ids", "emailIds"):
            if name in body:
                body[name] = rows
        name = data.draw(st.text("abc", min_size=1, max_size=4))
        return body | ({"domain": f"{name}.example"} if "domain" in body else {})


def _form(data: st.DataObject) -> dict[str, Any]:
    """A form with an archive, or almost one."""
    name = data.draw(st.text("abc", min_size=1, max_size=4))
    archive = archive_of(f"{name}.example", mail=numbered())
    raw = data.draw(st.sampled_from([archive, archive, archive[:-9], archive[1:], archive[:99] * 2, b"PK", b""]))
    flags = st.sampled_from([True, False, "yes"])
    return {"file": raw, "dryRun": data.draw(flags), "withMail": data.draw(flags)}


def other_method(data: st.DataObject) -> str | None:
    """Rarely, a method that the description does not have."""
    return data.draw(st.sampled_from([None] * 30 + [*OTHER_METHODS]))
