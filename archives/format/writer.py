"""Write entries of an archive into a file that becomes one part of it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from archives.format.records import Content, central_header, end_records, local_header


@dataclass(frozen=True, slots=True)
class Written:
    """An entry: its name, and size and SHA-256 of its plain bytes."""

    name: str
    bytes: int
    sha256: str


class PartWriter:
    """Entries one after the other. The file is a part of the archive that begins at `offset`, so it needs no other part.

    `directory`: the records of these entries for the directory at the end of the archive. Equal entries at an equal offset make
    equal bytes, with one version of zlib.
    """

    def __init__(self, file: IO[bytes], offset: int) -> None:
        self._file = file
        self._offset = offset
        self._begin = file.tell()
        self._headers: list[bytes] = []

    @property
    def size(self) -> int:
        return self._file.tell() - self._begin

    @property
    def entries(self) -> int:
        return len(self._headers)

    @property
    def directory(self) -> bytes:
        return b"".join(self._headers)

    def add(self, name: str, at: datetime, pieces: Iterable[bytes]) -> Written:
        """Write an entry. If `pieces` raises, the file is as it was before."""
        start = self._file.tell()
        try:
            content, digest = self._write(name, at, pieces)
        except BaseException:
            self._file.seek(start)
            self._file.truncate()
            raise
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(local_header(name, at, content))
        self._file.seek(end)
        self._headers.append(central_header(name, at, content, self._offset + start - self._begin))
        return Written(name, content.size, digest)

    def finish(self, earlier: Iterable[bytes], entries: int) -> None:
        """Write the directory. `earlier`: the `directory` of each earlier part, with this many `entries` in all."""
        start = self._file.tell()
        for records in earlier:
            self._file.write(records)
        self._file.write(self.directory)
        size = self._file.tell() - start
        self._file.write(
            end_records(entries=entries + self.entries, start=self._offset + start - self._begin, size=size)
        )

    def _write(self, name: str, at: datetime, pieces: Iterable[bytes]) -> tuple[Content, str]:
        begin = self._file.tell()
        # Room for the header, whose values are known at the end.
        header = local_header(name, at, Content(0, 0, 0))
        self._file.write(header)
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        digest = hashlib.sha256()
        crc = size = 0
        for piece in pieces:
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            digest.update(piece)
            self._file.write(packer.compress(piece))
        self._file.write(packer.flush())
        return Content(crc, size, self._file.tell() - begin - len(header)), digest.hexdigest()
