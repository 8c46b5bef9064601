"""Names of the files in an archive, and places of its mails."""

from __future__ import annotations

import re
from typing import NamedTuple

FORMAT = "inbound-domain-archive"
VERSION = 1

MANIFEST = "manifest.json"
DOMAIN = "domain.json"
ADDRESSES = "addresses.jsonl"
ENDPOINTS = "endpoints.jsonl"
BLOCKED = "blocked-emails.jsonl"
DNS_RECORDS = "dns-records.jsonl"
STATUS_HISTORY = "status-history.jsonl"
# In the order in which they are written, and in which an import needs them. Each has a name in the manifest's `counts`.
LISTS = {
    ENDPOINTS: "endpoints",
    ADDRESSES: "addresses",
    BLOCKED: "blockedEmails",
    DNS_RECORDS: "dnsRecords",
    STATUS_HISTORY: "statusChanges",
}

_INDEX = re.compile(r"mails/[0-9]{6}/index\.jsonl")
# Folders are at most 9,000. Mails that S3 has lost take no room, so a folder may count more than a million.
_MAIL = re.compile(r"mails/[0-9]{6}/([0-9]{6}|[1-9][0-9]{6,8})\.eml")


class Place(NamedTuple):
    """A mail in an archive: its folder, and its line in the index. Both count from 1."""

    folder: int
    line: int


# Before the first mail.
START = Place(0, 0)


def index_name(folder: int) -> str:
    """The index of a folder of mail. Folders count from 1."""
    return f"mails/{folder:06}/index.jsonl"


def mail_name(folder: int, number: int) -> str:
    """A mail in a folder. Mails count from 1 in each. From a million on, the number has more digits."""
    return f"mails/{folder:06}/{number:06}.eml"


def folder_of(name: str) -> int:
    """The number of the folder that an index or a mail is in."""
    return int(name.split("/")[1])


def is_index(name: str) -> bool:
    return _INDEX.fullmatch(name) is not None


def is_mail(name: str) -> bool:
    return _MAIL.fullmatch(name) is not None


def mail_number(name: str) -> int:
    """The number of a mail in its folder."""
    return int(name.rpartition("/")[2].removesuffix(".eml"))
