"""Read an archive and hold it against its own manifest, in tests."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from archives.format.names import LISTS
from archives.format.reading.archive import verify


@dataclass
class Read:
    """`mails`: the lines of all indexes. `contents`: the stored bytes by file."""

    manifest: dict[str, Any]
    files: dict[str, Any]
    mails: list[dict[str, Any]]
    contents: dict[str, bytes] = field(default_factory=dict)


def read(raw: bytes) -> Read:
    """The contents of an archive, which an import would take."""
    verified = verify(io.BytesIO(raw))
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[-1] == "manifest.json"
        assert len(names) == len(set(names))
        contents = {name: archive.read(name) for name in names}
    manifest = json.loads(contents.pop("manifest.json"))
    files: dict[str, Any] = {}
    mails: list[dict[str, Any]] = []
    for file in manifest["files"]:
        held = contents.pop(file["name"])
        assert (len(held), hashlib.sha256(held).hexdigest()) == (file["bytes"], file["sha256"])
        if file["name"].startswith("mails/"):
            mails += _lines(held)
        else:
            files[file["name"]] = json.loads(held) if file["name"].endswith(".json") else _lines(held)
    stored = [mail for mail in mails if mail["file"]]
    assert [mail["file"] for mail in stored] == list(contents)
    for mail in stored:
        held = contents[mail["file"]]
        assert (len(held), hashlib.sha256(held).hexdigest()) == (mail["bytes"], mail["sha256"])
    assert manifest["counts"]["mails"] == len(mails)
    assert manifest["counts"]["mailBytes"] == sum(map(len, contents.values()))
    assert (manifest, mails) == (verified.manifest, [values for values, _ in verified.mails()])
    assert files == {"domain.json": verified.domain} | {name: list(verified.rows(name)) for name in LISTS}
    assert manifest["counts"]["emails"] == sum(len(mail["emails"]) for mail in mails)
    return Read(manifest, files, mails, contents)


def _lines(held: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in held.splitlines()]
