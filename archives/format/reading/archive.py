"""Verify a whole archive, and then hand out what is in it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from archives.format.names import (
    ADDRESSES,
    BLOCKED,
    DOMAIN,
    FORMAT,
    LISTS,
    MANIFEST,
    START,
    VERSION,
    Place,
    folder_of,
    is_index,
    is_mail,
    mail_name,
)
from archives.format.reading.contents import Content, lines
from archives.format.reading.entries import Directory, Entry, check_order, check_sizes
from archives.format.reading.refusal import (
    Limits,
    damaged,
    other_format,
    other_version,
    too_large,
    too_many,
)
from archives.format.reading.shapes import COUNTED, MAIL, MANIFEST_SHAPE, SHAPES, check, known, shape_of
from archives.format.reading.texts import parsed

Values = dict[str, Any]

# Members that are addresses of the domain, by list.
OF_DOMAIN = {ADDRESSES: "address", BLOCKED: "emailAddress"}


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive all of which has been verified. Keep others from writing the file meanwhile: what it hands out is compared
    with the hashes again, and raises Refused if it has changed.

    `manifest`: its members. `domain`: those of `domain.json`.
    """

    file: IO[bytes]
    limits: Limits
    directory: Directory
    manifest: Values
    domain: Values
    hashes: Mapping[str, str]

    def rows(self, name: str) -> Iterator[Values]:
        """The rows of a list, such as `addresses.jsonl`."""
        found = next(entry for entry in self.directory.each(self.file) if entry.name == name)
        return self._rows(found)

    def mails(self) -> Iterator[tuple[Values, Content | None]]:
        """Each mail's line in its index, and its bytes, to be read before the next one. None if the archive does not have them."""
        return (mail for _, mail in self.mails_after(START))

    def mails_after(self, place: Place) -> Iterator[tuple[Place, tuple[Values, Content | None]]]:
        """The mails behind this place, each with its own."""
        folder: list[Entry] = []
        for entry in self.directory.each(self.file):
            if is_mail(entry.name):
                folder.append(entry)
            elif is_index(entry.name):
                if (number := folder_of(entry.name)) >= place.folder:
                    done = place.line if number == place.folder else 0
                    for line, mail in enumerate(self._of_folder(entry, folder), 1):
                        if line > done:
                            yield Place(number, line), mail
                folder = []

    def _of_folder(self, index: Entry, entries: list[Entry]) -> Iterator[tuple[Values, Content | None]]:
        rest = iter(entries)
        for values in self._rows(index):
            content = Content(self.file, next(rest)) if values["file"] else None
            yield values, content
            if content is not None and content.sha256 not in ("", values["sha256"]):
                raise damaged(values["file"], "has changed meanwhile")

    def _rows(self, entry: Entry) -> Iterator[Values]:
        content = Content(self.file, entry)
        shape = shape_of(entry.name, endpoint_settings=self.manifest["endpointSettings"])
        for line in lines(content, self.limits.line):
            yield known(shape, parsed(line, entry.name))
        if content.sha256 != self.hashes[entry.name]:
            raise damaged(entry.name, "has changed meanwhile")


def verify(file: IO[bytes], limits: Limits | None = None) -> Archive:
    """Look at every byte of an archive. Raises Refused with a sentence for people, and OSError.

    Holds the manifest and the hashes of one folder of mail.
    """
    return _Verification(file, limits or Limits()).archive()


def reopened(file: IO[bytes], limits: Limits | None = None) -> Archive:
    """An archive that has been verified, as the caller knows, and has not changed since. Raises Refused if it has."""
    return _Verification(file, limits or Limits()).reopened()


class _Verification:
    """`counts`: of what is in the archive. `folder`: the mails of the folder that is being read, with size and hash."""

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._counts: Counter[str] = Counter()
        self._folder: list[tuple[str, int, str]] = []

    def archive(self) -> Archive:
        directory = Directory.of(self._file, self._limits)
        # Version first: another one may have other files.
        manifest = self._manifest(directory)
        self._check_entries(directory, manifest)
        hashes = _hashes(manifest)
        domain: Values = {}
        for entry in directory.each(self._file):
            if is_mail(entry.name):
                self._mail(entry)
            elif entry.name != MANIFEST:
                domain = self._file_of_manifest(entry, manifest, hashes[entry.name]) or domain
        # What was erased while the export ran is not in it.
        counts = {name: number for name, number in manifest["counts"].items() if name in COUNTED and name != "erased"}
        if any(self._counts[name] != number for name, number in counts.items()):
            raise damaged(MANIFEST, "does not count what is in the archive")
        return Archive(self._file, self._limits, directory, manifest, domain, hashes)

    def reopened(self) -> Archive:
        directory = Directory.of(self._file, self._limits)
        manifest = self._manifest(directory)
        hashes = _hashes(manifest)
        first = next(directory.each(self._file))
        domain = self._file_of_manifest(first, manifest, hashes[DOMAIN])
        return Archive(self._file, self._limits, directory, manifest, domain, hashes)

    def _manifest(self, directory: Directory) -> Values:
        last = deque(directory.each(self._file), maxlen=1)
        if not last or last[0].name != MANIFEST:
            raise other_format()
        values = self._document(last[0])
        if values.get("format") != FORMAT:
            raise other_format()
        if type(version := values.get("version")) is not int:
            raise damaged(MANIFEST, "has no version that can be read")
        if version != VERSION:
            raise other_version(version)
        check(MANIFEST_SHAPE, values, MANIFEST)
        return values

    def _check_entries(self, directory: Directory, manifest: Values) -> None:
        """Look at all records before anything is unpacked, and find exactly the manifest's files besides mails."""
        entries = check_order(directory.each(self._file))
        named = iter(manifest["files"])
        files = 0
        for entry in check_sizes(entries, self._limits, directory.start):
            if is_mail(entry.name) or entry.name == MANIFEST:
                continue
            files += 1
            if files > self._limits.files:
                raise too_many("files", self._limits.files)
            file = next(named, None)
            if file is None or (file["name"], file["bytes"]) != (entry.name, entry.size):
                raise damaged(MANIFEST, f"does not have {entry.name} as it is")
        if next(named, None) is not None:
            raise damaged(MANIFEST, "has a file that is missing")

    def _file_of_manifest(self, entry: Entry, manifest: Values, expected: str) -> Values:
        """Read a file that the manifest has the hash of. Returns the members of `domain.json`, and nothing of the others."""
        content = Content(self._file, entry)
        domain: Values = {}
        if entry.name == DOMAIN:
            domain = parsed(b"".join(content), DOMAIN)
            check(SHAPES[DOMAIN], domain, DOMAIN)
            if {name: domain[name] for name in ("id", "name")} != {
                name: manifest["domain"][name] for name in ("id", "name")
            }:
                raise damaged(DOMAIN, "is of another domain than the manifest")
        elif entry.name in LISTS:
            self._list(content, manifest)
        else:
            self._index(content)
        if content.sha256 != expected:
            raise damaged(entry.name, "is not what the manifest says")
        return domain

    def _list(self, content: Content, manifest: Values) -> None:
        name = content.entry.name
        shape = shape_of(name, endpoint_settings=manifest["endpointSettings"])
        for line in lines(content, self._limits.line):
            values = parsed(line, name)
            check(shape, values, name)
            address = values.get(OF_DOMAIN.get(name, ""))
            if address is not None and address.rpartition("@")[2] != manifest["domain"]["name"]:
                raise damaged(name, "has an address of another domain")
            self._counts[LISTS[name]] += 1

    def _mail(self, entry: Entry) -> None:
        if len(self._folder) == self._limits.folder_mails:
            raise too_many("mails in one folder", self._limits.folder_mails)
        content = Content(self._file, entry)
        # It is hashed on the way.
        deque(content, maxlen=0)
        self._folder.append((entry.name, entry.size, content.sha256))
        self._counts["mailBytes"] += entry.size

    def _index(self, content: Content) -> None:
        name = content.entry.name
        found = iter(self._folder)
        folder = folder_of(name)
        for number, line in enumerate(lines(content, self._limits.line), 1):
            values = parsed(line, name)
            check(MAIL, values, name)
            file = (values["file"], values["bytes"], values["sha256"])
            if file == (None, None, None):
                self._counts["missing"] += 1
            elif file != next(found, None) or file[0] != mail_name(folder, number):
                raise damaged(name, f"and the mail of line {number} do not belong together")
            self._counts["mails"] += 1
            self._counts["emails"] += len(values["emails"])
        if next(found, None) is not None:
            raise damaged(name, "lacks a mail of its folder")
        self._folder = []

    def _document(self, entry: Entry) -> Values:
        if entry.size > self._limits.document:
            raise too_large(entry.name, entry.size, self._limits.document)
        return parsed(b"".join(Content(self._file, entry)), entry.name)


def _hashes(manifest: Values) -> dict[str, str]:
    return {file["name"]: file["sha256"] for file in manifest["files"]}
