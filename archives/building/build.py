"""Build an archive part by part. A part is a folder of mail, the first one with the configuration, and the last one ends the file.

Between two parts, `SoFar` is all that a process has to know, so another process can go on from what is stored of it.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, cast

from django.conf import settings

from archives.building import contents
from archives.building.done import Done
from archives.building.mails import Mail, Mails
from archives.building.scope import Scope
from archives.format.manifest import manifest
from archives.format.names import DOMAIN, LISTS, MANIFEST, index_name, mail_name
from archives.format.values import document, exact, line
from archives.format.writer import PartWriter, Written

CHUNK = 256 * 1024
# What S3 takes as a part is at least 5 MB, except for the last one, and it takes 10,000 of them.
LEAST_BYTES = 5 * 1024 * 1024
PART_BYTES = 8 * 1024 * 1024
PARTS = 9_000
# So that a part of many small mails does not take long.
MAILS = 20_000
# An index of this size stays in memory until its folder ends.
IN_MEMORY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part. `file`: to be closed, and read from its beginning. `directory`: of its entries. `mails`: their keys."""

    number: int
    file: IO[bytes]
    size: int
    directory: bytes
    entries: int
    files: list[Written]
    mails: list[int]
    counts: Counter[str]
    is_last: bool


@dataclass
class SoFar:
    """What is finished. `directories` and `files`: read those of the earlier parts, for the end of the archive."""

    directories: Callable[[], Iterable[bytes]]
    files: Callable[[], Iterable[Written]]
    parts: int = 0
    bytes: int = 0
    entries: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    done: Done = field(default_factory=Done)

    def add(self, part: Part) -> None:
        self.parts = part.number
        self.bytes += part.size
        self.entries += part.entries
        self.counts += part.counts


def part_bytes(stored: int) -> int:
    """How large a part has to be, so that a domain with this much mail does not need more parts than S3 takes."""
    return max(PART_BYTES, stored // PARTS)


def parts(
    scope: Scope, so_far: SoFar, *, size: int = PART_BYTES, stop: Callable[[], bool] = lambda: False
) -> Generator[Part, None, None]:
    """The parts that are missing. Call `SoFar.add` with each before the next one. Raises SesError and Stopped.

    What arrives is part of the archive until the last part begins to be closed.
    """
    mails = Mails(scope.domain.pk, so_far.done, stop)
    with closing(mails.__iter__()) as rest:
        ended = False
        while not ended:
            part = _part(scope, so_far, mails, rest, size)
            ended = part.is_last
            yield part


def _part(scope: Scope, so_far: SoFar, mails: Mails, rest: Iterator[Mail], size: int) -> Part:
    file = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115 - whoever gets the part closes it
    try:
        writer = PartWriter(file, so_far.bytes)
        counts: Counter[str] = Counter()
        number = so_far.parts + 1
        files = [] if so_far.parts else _write_configuration(scope, writer, counts)
        keys, index, is_last = _write_folder(scope, writer, number, rest, so_far.done, size, counts)
        counts["erased"], mails.gone = mails.gone, 0
        files += index
        if is_last:
            every = chain(so_far.files(), files)
            pieces = manifest(_about(scope), _counts(so_far.counts + counts), every)
            writer.add(MANIFEST, scope.at, pieces)
            writer.finish(so_far.directories(), so_far.entries)
    except BaseException:
        file.close()
        raise
    whole = writer.size
    file.seek(0)
    return Part(number, file, whole, writer.directory, writer.entries, files, keys, counts, is_last)


def _write_configuration(scope: Scope, writer: PartWriter, counts: Counter[str]) -> list[Written]:
    written = [writer.add(DOMAIN, scope.at, [document(contents.domain_values(scope.domain))])]
    for name, kind in LISTS.items():
        written.append(writer.add(name, scope.at, _counted(contents.LISTS[name](scope), kind, counts)))
    return written


def _counted(rows: Iterable[Mapping[str, object]], kind: str, counts: Counter[str]) -> Iterator[bytes]:
    for row in rows:
        counts[kind] += 1
        yield line(row)


def _write_folder(
    scope: Scope,
    writer: PartWriter,
    folder: int,
    rest: Iterator[Mail],
    done: Done,
    size: int,
    counts: Counter[str],
) -> tuple[list[int], list[Written], bool]:
    """Write mails until the part is large enough, and then their index. Returns their keys, and whether none is left."""
    keys: list[int] = []
    is_last = False
    with cast("IO[bytes]", tempfile.SpooledTemporaryFile(IN_MEMORY)) as index:
        while not is_last and not _is_full(writer.size, len(keys), size):
            mail = next(rest, None)
            if mail is None:
                is_last = True
            else:
                index.write(line(_write_mail(writer, folder, mail, counts)))
                keys.append(mail.pk)
                done.add(mail.pk)
        files = _write_index(scope, writer, folder, index) if keys else []
    return keys, files, is_last


def _is_full(bytes_: int, mails: int, size: int) -> bool:
    return bytes_ >= size or (mails >= MAILS and bytes_ >= LEAST_BYTES)


def _write_mail(writer: PartWriter, folder: int, mail: Mail, counts: Counter[str]) -> dict[str, object]:
    """Write a mail, and return its line in the index."""
    counts["mails"] += 1
    counts["emails"] += mail.emails
    if mail.content is None:
        counts["missing"] += 1
        return {"file": None, "bytes": None, "sha256": None, **mail.values}
    with mail.content as content:
        pieces = iter(lambda: content.read(CHUNK), b"")
        written = writer.add(mail_name(folder, counts["mails"]), mail.arrived_at, pieces)
    counts["mailBytes"] += written.bytes
    return {"file": written.name, "bytes": written.bytes, "sha256": written.sha256, **mail.values}


def _write_index(scope: Scope, writer: PartWriter, folder: int, index: IO[bytes]) -> list[Written]:
    index.seek(0)
    return [writer.add(index_name(folder), scope.at, iter(lambda: index.read(CHUNK), b""))]


def _about(scope: Scope) -> dict[str, object]:
    return {
        "createdAt": exact(scope.at),
        "inboundVersion": settings.VERSION,
        "domain": {"id": scope.domain.pk, "name": scope.domain.name},
        "endpointSettings": scope.settings,
        "secrets": scope.secrets,
    }


def _counts(counts: Counter[str]) -> dict[str, int]:
    names = [*LISTS.values(), "mails", "emails", "mailBytes", "missing", "erased"]
    return {name: counts[name] for name in names}
