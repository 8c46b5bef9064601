"""The Message-IDs that a mail has and refers to, as digests, so that none of it stays when the mail is erased."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from mail.models import MessageReference
from mail.parsing.parsed import ParsedMail

# The last ones of a long list: they are the nearest, and mail programs keep those.
MOST = 50


def record_references(message: int, parsed: ParsedMail) -> None:
    """Write the references of a mail that has been read. One statement, and none for a mail without any."""
    own = [parsed.message_id] if parsed.message_id else []
    others = [*parsed.references[-MOST:], *([parsed.in_reply_to] if parsed.in_reply_to else [])]
    found = dict.fromkeys(digests(others), False) | dict.fromkeys(digests(own), True)
    if found:
        rows = [MessageReference(message_id=message, digest=it, is_own=is_own) for it, is_own in found.items()]
        MessageReference.objects.bulk_create(rows, ignore_conflicts=True)


def digests(ids: Iterable[str]) -> Iterable[str]:
    """The digest of each Message-ID, with or without brackets."""
    for text in ids:
        if bare := text.strip().strip("<>").lower():
            yield hashlib.sha256(bare.encode()).hexdigest()[:32]
