"""The manifest, which is the last file of an archive: what the archive is of, counts, and the files with their hashes.

It is written piece by piece, because an archive may have thousands of folders. Each folder's index has the hashes of its mails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archives.format.names import FORMAT, VERSION
from archives.format.writer import Written


def manifest(about: Mapping[str, Any], counts: Mapping[str, int], files: Iterable[Written]) -> Iterator[bytes]:
    """The manifest as JSON. `about`: further members before `counts`. `files`: all except mails and the manifest itself."""
    head = {"format": FORMAT, "version": VERSION, **about, "counts": counts}
    yield json.dumps(head, indent=2, ensure_ascii=False).removesuffix("\n}").encode()
    yield b',\n  "files": ['
    for number, file in enumerate(files):
        values = {"name": file.name, "bytes": file.bytes, "sha256": file.sha256}
        yield (",\n    " if number else "\n    ").encode() + json.dumps(values).encode()
    yield b"\n  ]\n}\n"
