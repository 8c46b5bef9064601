"""A body has what the reference service's parser, mailparser 3.7.3, reads from the same mail, but for named differences.

`vectors` has each mail, and what a receiver of that service would get as `email`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mail.tests.webhooks.mails import ENDPOINT, email
from mail.webhooks.payload import payload

pytestmark = pytest.mark.sqlite_only

VECTORS = sorted(Path(__file__).with_name("vectors").glob("*.eml"))
DOCUMENT = Path("docs/api/compatibility.md")

# The sentences are in the document.
SPACE = "White space where a header field was folded is kept"
ENTITIES = "Only `&`, `<`, `>` and quotes are entities in the `html` of addresses"
MEMBERS = "`addresses` has the members of a group instead of its name"
TWO_FIELDS = "`addresses` has the addresses of several `To` fields"
NO_DATE = "A `Date` that cannot be read is not replaced by the time of reading"
SANITISED = "`htmlBody` is sanitised"
TEXT_OF_HTML = "Text made from HTML is Markdown"
TEXT_OF_RELATED = "HTML inside multipart/related is text as well"

# Without indexes, and the same for `parsedData` and `cleanedContent`.
DIFFERENCES = {
    "alternative": {"headers.received": SPACE, "headers.from.html": ENTITIES},
    "bare": {"to.addresses.address": TWO_FIELDS, **dict.fromkeys(("receivedAt", "date", "headers.date"), NO_DATE)},
    "eight-bit": {"headers.from.html": ENTITIES},
    "group": {"to.addresses": MEMBERS},
    "inline-image": dict.fromkeys(("text", "hasText"), TEXT_OF_RELATED),
    "newsletter": {
        **dict.fromkeys(("textBody", "text"), TEXT_OF_HTML),
        **dict.fromkeys(("htmlBody", "html"), SANITISED),
    },
}


@pytest.mark.parametrize("file", VECTORS, ids=lambda file: file.stem)
def test_a_body_contains_what_the_reference_service_posts(file: Path):
    raw = file.read_bytes()
    found = payload(email(raw), ENDPOINT, text_of(raw))["email"]

    paths = set(differences(json.loads(file.with_suffix(".json").read_text()), json.loads(json.dumps(found))))

    assert paths == set(DIFFERENCES.get(file.stem, {}))


def test_each_difference_is_documented():
    told = " ".join(DOCUMENT.read_text().split())

    assert [it for paths in DIFFERENCES.values() for it in paths.values() if it not in told] == []


@pytest.mark.parametrize("file", VECTORS, ids=lambda file: file.stem)
def test_members_are_in_the_order_of_the_contract(file: Path):
    found = payload(email(file.read_bytes()), ENDPOINT, "")["email"]
    expected = json.loads(file.with_suffix(".json").read_text())

    for ours, theirs in ((found, expected), (found["parsedData"], expected["parsedData"])):
        common = [name for name in ours if name in theirs]
        assert common == [name for name in theirs if name in ours]


def text_of(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where `found` lacks or changes what `expected` has."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            yield from differences(value, found.get(name, ...), f"{path}.{name}".removeprefix("."))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for one, other in zip(expected, found, strict=True):
            yield from differences(one, other, path)
    elif expected != found:
        yield re.sub(r"^(parsedData|cleanedContent)\.", "", path)
