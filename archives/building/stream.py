"""An archive as one stream, made at once and not stored anywhere."""

from __future__ import annotations

import shutil
import zlib
from collections import Counter
from typing import IO

from archives.building.build import CHUNK, SoFar, parts
from archives.building.scope import Scope
from archives.format.writer import Written


def write_archive(scope: Scope, to: IO[bytes]) -> Counter[str]:
    """Write the archive, and return its counts. Raises SesError. What an error leaves has no manifest, so it is no archive."""
    # The records of 100,000 mails have 13 MB, and a quarter of that when they are packed.
    directories: list[bytes] = []
    files: list[Written] = []
    so_far = SoFar(lambda: map(zlib.decompress, directories), lambda: files)
    for part in parts(scope, so_far):
        with part.file as file:
            shutil.copyfileobj(file, to, CHUNK)
        so_far.add(part)
        directories.append(zlib.compress(part.directory))
        files += part.files
    return so_far.counts
