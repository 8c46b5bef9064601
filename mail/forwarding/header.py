"""The header block of a forward: a few fields of the received mail, and those that we write (docs/architecture/forwarding.md,
"Header"). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mail.forwarding import texts
from mail.parsing.lines import folded

# Kept, each at most once. SES refuses some fields that come twice, and obeys X-SES-*: no other field may pass.
CONTENT = (
    "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID", "Content-Description",
    "Content-Language", "Content-Location", "Content-Base", "Content-Class",
)  # fmt: skip
ABOUT = (
    "Auto-Submitted", "Precedence", "Importance", "X-Priority", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
    "Thread-Topic", "Thread-Index",
)  # fmt: skip
ORIGINAL = ("From", "To", "Date", "Message-ID")
# In the order of the block.
WRITTEN = (
    "From", "To", "Reply-To", "Subject", "In-Reply-To", "References", "MIME-Version",
    *(f"X-Original-{name}" for name in ORIGINAL), "X-Inbound-Delivery", "X-Inbound-Trace",
)  # fmt: skip
DELIVERY, TRACE = "X-Inbound-Delivery", "X-Inbound-Trace"

# The oldest and the newest of a long thread.
REFERENCES = 20
PREFIX = 200
MOST_REPLY_TO = 10

_TEXTS = {"Subject", "Thread-Topic", "Content-Description"}
_NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """What is written about a forward. `sender` and `recipient`: addresses (`texts.is_address`). `sender_name`: of both.

    `reply_to`: names and addresses; those that SES would not take are left out.
    """

    delivery: str
    sender: str
    sender_name: str
    recipient: str
    reply_to: Sequence[Name] = ()
    subject_prefix: str = ""
    trace: str = ""


def read_fields(block: bytes) -> dict[str, bytes]:
    """The values in a header block with CRLF, by their names in lower case. The last one counts, as for the parser."""
    found = (_FIELD.fullmatch(line) for line in _NEXT_FIELD.split(block))
    return {field[1].decode().lower(): field[2].strip(b" \t\r\n") for field in found if field}


def count_fields(block: bytes, name: str) -> int:
    return sum(line.lower().startswith(name.lower().encode() + b":") for line in _NEXT_FIELD.split(block))


def compose(fields: Mapping[str, bytes], written: Written, overrides: Mapping[str, str | None]) -> bytes:
    """The block with the blank line that ends it. `fields`: of the received mail. `overrides`: what its body needs instead."""
    lines = [(name, value) for name, value in _written(fields, written).items() if value]
    for name in (*CONTENT, *ABOUT):
        if name.lower() in overrides:
            value = (overrides[name.lower()] or "").encode("ascii")
        else:
            value = texts.kept(fields.get(name.lower(), b""), is_text=name in _TEXTS)
        if value:
            lines.append((name, value))
    return b"".join([*(folded(name.encode() + b": " + value + b"\r\n") for name, value in lines), b"\r\n"])


def _written(fields: Mapping[str, bytes], written: Written) -> dict[str, bytes]:
    own_id, ids = texts.message_ids(fields.get("message-id", b""))[:1], _thread(fields)
    reply_to = [texts.mailbox(name, address) for name, address in written.reply_to if texts.is_address(address)]
    values = {
        "From": texts.mailbox(written.sender_name, written.sender),
        "To": written.recipient.encode("ascii"),
        "Reply-To": b",\r\n ".join(reply_to[:MOST_REPLY_TO]),
        "Subject": _subject(texts.kept(fields.get("subject", b""), is_text=True), written.subject_prefix),
        # SES gives the forward another Message-ID. The thread is found by the one that it had.
        "In-Reply-To": (own_id or texts.message_ids(fields.get("in-reply-to", b""))[:1] or [b""])[0],
        "References": b"\r\n ".join(ids),
        "MIME-Version": b"1.0",
        DELIVERY: written.delivery.encode("ascii"),
        TRACE: written.trace.encode("ascii"),
    }
    originals = {f"X-Original-{name}": texts.kept(fields.get(name.lower(), b""), is_text=True) for name in ORIGINAL}
    return {name: (values | originals)[name] for name in WRITTEN}


def _thread(fields: Mapping[str, bytes]) -> list[bytes]:
    """The references of the mail and its own id, each once, the oldest first."""
    before = texts.message_ids(fields.get("references", b"")) or texts.message_ids(fields.get("in-reply-to", b""))
    ids = list(dict.fromkeys([*before, *texts.message_ids(fields.get("message-id", b""))[:1]]))
    return ids if len(ids) <= REFERENCES else [ids[0], *ids[1 - REFERENCES :]]


def _subject(subject: bytes, prefix: str) -> bytes:
    prefix = " ".join(prefix[:PREFIX].split())
    if not prefix or not subject:
        return texts.unstructured(prefix) if prefix else subject
    if texts.is_plain(prefix):
        return prefix.encode() + b" " + subject
    # Readers leave out the space between two encoded words.
    return texts.encoded_words(f"{prefix} " if subject.startswith(b"=?") else prefix) + b"\r\n " + subject
