"""Make archives as an export does, and such as none does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from archives.format.manifest import manifest
from archives.format.names import (
    ADDRESSES,
    BLOCKED,
    DNS_RECORDS,
    DOMAIN,
    ENDPOINTS,
    LISTS,
    MANIFEST,
    STATUS_HISTORY,
    index_name,
    mail_name,
)
from archives.format.values import document, line
from archives.format.writer import PartWriter

AT = datetime(2026, 11, 27, 10, 30, 14, tzinfo=UTC)
TIME = "2026-11-27T10:30:14Z"
DOMAIN_VALUES = {
    "id": "indm_1", "name": "example.com", "status": "verified", "statusReason": None, "verifiedAt": TIME,
    "canReceiveEmails": True, "hasMxRecords": True, "isCatchAllEnabled": False, "catchAllEndpointId": None,
    "mailFromLabel": "mail", "mailFromChosen": False, "receiveDmarcEmails": False, "createdAt": TIME, "updatedAt": TIME,
}  # fmt: skip
ROWS: dict[str, list[dict[str, Any]]] = {
    ENDPOINTS: [
        {
            "id": "e1", "name": "CRM", "type": "webhook", "config": {"url": "https://crm.example.net/"}, "secret": None,
            "description": None, "isActive": True, "webhookFormat": "inbound", "createdAt": TIME, "updatedAt": TIME,
        }
    ],
    ADDRESSES: [
        {
            "id": f"a{local}", "address": f"{local}@example.com", "isActive": True, "endpointId": "e1", "createdAt": TIME,
            "updatedAt": TIME,
        }
        for local in ("hello", "info")
    ],
    BLOCKED: [{"id": "b1", "emailAddress": "spam@example.com", "reason": None, "createdAt": TIME}],
    DNS_RECORDS: [
        {
            "type": "TXT", "name": "example.com", "value": "v=spf1", "isRequired": True, "state": "verified", "problem": None,
            "lastChecked": TIME,
        }
    ],
    STATUS_HISTORY: [{"before": "pending", "after": "verified", "reason": "SES says so.", "at": TIME}],
}  # fmt: skip
# Of two folders. None: S3 did not have the mail.
FOLDERS: list[list[bytes | None]] = [[b"Subject: 1\r\n\r\nHello" * 20, None, b""], [b"Subject: 2\r\n\r\n\xff\x00"]]


def mail_values(file: str | None, size: int | None, digest: str | None) -> dict[str, Any]:
    email = {
        "id": "m1", "recipient": "hello@example.com", "disposition": "routed", "route": {"matched": "address"},
        "isRead": False, "readAt": None, "isArchived": False, "archivedAt": None,
    }  # fmt: skip
    return {
        "file": file, "bytes": size, "sha256": digest, "sesMessageId": "ses1", "messageId": "<1@example.net>",
        "envelopeFrom": None, "arrivedAt": TIME, "notedAt": TIME, "source": "queue",
        "verdicts": dict.fromkeys(("spf", "dkim", "dmarc", "dmarcPolicy", "spam", "virus")), "deletedFor": [],
        "emails": [email],
    }  # fmt: skip


@dataclass
class Making:
    """What an archive is made of. `change` may change the manifest's members, `file` the bytes of a file that it has the hash
    of, and `entries` the list of names and contents."""

    domain: dict[str, Any] = field(default_factory=lambda: deepcopy(DOMAIN_VALUES))
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: deepcopy(ROWS))
    folders: list[list[bytes | None]] = field(default_factory=lambda: deepcopy(FOLDERS))
    first_folder: int = 1
    change: Callable[[dict[str, Any]], None] = lambda values: None
    file: Callable[[str, bytes], bytes] = lambda name, raw: raw
    mail: Callable[[dict[str, Any]], dict[str, Any]] = lambda values: values

    def bytes(self) -> bytes:
        file = io.BytesIO()
        writer = PartWriter(file, 0)
        files = [writer.add(DOMAIN, AT, [self.file(DOMAIN, document(self.domain))])]
        for name in LISTS:
            files.append(writer.add(name, AT, [self.file(name, b"".join(map(line, self.rows[name])))]))
        counts = {kind: len(self.rows[name]) for name, kind in LISTS.items()}
        counts |= dict.fromkeys(("mails", "emails", "mailBytes", "missing", "erased"), 0)
        for folder, mails in enumerate(self.folders, self.first_folder):
            index: list[bytes] = []
            for number, raw in enumerate(mails, 1):
                values = mail_values(None, None, None)
                if raw is not None:
                    written = writer.add(mail_name(folder, number), AT, [raw])
                    values = mail_values(written.name, written.bytes, written.sha256)
                    counts["mailBytes"] += written.bytes
                counts["missing"] += raw is None
                counts["mails"] += 1
                counts["emails"] += 1
                index.append(line(self.mail(values)))
            name = index_name(folder)
            files.append(writer.add(name, AT, [self.file(name, b"".join(index))]))
        about = {
            "createdAt": TIME,
            "inboundVersion": "0.2.0",
            "domain": {"id": self.domain["id"], "name": self.domain["name"]},
            "endpointSettings": True,
            "secrets": False,
        }
        values = json.loads(b"".join(manifest(about, counts, files)))
        self.change(values)
        writer.add(MANIFEST, AT, [self.file(MANIFEST, document(values))])
        writer.finish([], 0)
        return file.getvalue()


def archive_of(name: str, **more: Any) -> bytes:
    """An archive of a domain of this name, without blocked emails."""
    making = Making(domain=DOMAIN_VALUES | {"name": name}, **more)
    making.rows[BLOCKED] = []
    for row in making.rows[ADDRESSES]:
        row["address"] = f"{row['address'].partition('@')[0]}@{name}"
    return making.bytes()


def zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """An archive's zip file with these files."""
    file = io.BytesIO()
    writer = PartWriter(file, 0)
    for name, raw in entries:
        writer.add(name, AT, [raw])
    writer.finish([], 0)
    return file.getvalue()
