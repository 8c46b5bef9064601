"""What a reader allows, and what it says to people when it refuses an archive."""

from __future__ import annotations

from dataclasses import dataclass

from archives.format.names import VERSION
from backoffice.text import size

MEGABYTE = 1024 * 1024
GIGABYTE = 1024 * MEGABYTE


class Refused(Exception):
    """The archive is not read any further, and nothing of it may be used. The message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is more than this is refused before it takes memory or time.

    `unpacked`: bytes of all files. `ratio`: of these to the bytes of the archive, from `any_ratio` bytes on; below it a domain
    may have little but a mail full of zeros. `mail`: as the export (`archives/building/mails.py`). `folder_mails`: more than
    20,000 only if they are tiny. `files`: without mails; an archive has at most 9,000 parts.
    """

    unpacked: int = 1024 * GIGABYTE
    ratio: int = 100
    any_ratio: int = GIGABYTE
    entries: int = 50_000_000
    files: int = 20_000
    mail: int = GIGABYTE
    folder_mails: int = 200_000
    list: int = 4 * GIGABYTE
    document: int = 4 * MEGABYTE
    line: int = MEGABYTE


def no_archive() -> Refused:
    return Refused("This is no archive of a domain, or its end is missing. Download or copy the file again.")


def packed_again(why: str) -> Refused:
    """Something that the exports of this version never write."""
    return Refused(
        f"This zip file was changed, or not written by inbound: {why}. Give the file as it was exported, not packed again."
    )


def damaged(name: str, why: str) -> Refused:
    return Refused(
        f"The archive was changed or damaged: {name} {why}. Export the domain again, or copy the file again."
    )


def too_large(what: str, declared: int, most: int) -> Refused:
    return Refused(f"The archive is too large: {what} would take {size(declared)}, and at most {size(most)} are read.")


def too_many(what: str, most: int) -> Refused:
    return Refused(f"The archive is too large: it has more than {most:,} {what}.")


def packed_too_tightly(unpacked: int, packed: int) -> Refused:
    return Refused(
        f"The archive would grow from {size(packed)} to {size(unpacked)}, which no mail does. It is taken for an attack."
    )


def other_format() -> Refused:
    return Refused("This is no archive of a domain: its manifest says that it is something else.")


def other_version(version: int) -> Refused:
    newer = "Use the version of inbound that has written it, or a later one."
    return Refused(f"The archive has the format's version {version}, and this inbound reads version {VERSION}. {newer}")
