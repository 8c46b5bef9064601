"""A body is never larger than allowed, always the same, and says what is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mail.tests.webhooks.mails import ENDPOINT, email
from mail.webhooks.payload import Payload, payload
from mail.webhooks.size import body

pytestmark = pytest.mark.sqlite_only

SMALLEST = 100_000

# What a database can hold.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
addresses = st.none() | st.fixed_dictionaries(
    {"text": texts, "addresses": st.lists(st.fixed_dictionaries({"name": st.none() | texts, "address": texts}))}
)
attachments = st.fixed_dictionaries(
    {
        "filename": st.none() | texts,
        "content_type": texts,
        "size": st.integers(0, 2**40),
        "content_id": st.none() | texts,
        "disposition": st.none() | texts,
    }
)
messages = st.fixed_dictionaries(
    {
        "subject": texts,
        "rfc_id": texts,
        "in_reply_to": texts,
        "references": st.lists(texts),
        "addresses": st.dictionaries(st.sampled_from(["from", "to", "cc", "bcc", "replyTo"]), addresses),
        "headers": st.dictionaries(texts, texts | st.lists(texts)),
        "text": texts,
        "html": texts,
        "attachments": st.lists(attachments),
    }
)
# Six bytes each in JSON.
CONTROL = "\x01"


def huge() -> dict[str, Any]:
    """Whatever a mail can consist of, in characters that take most room."""
    long = CONTROL * 1_000
    person = {"text": long, "addresses": [{"name": long, "address": long}] * 100}
    return {
        "subject": long,
        "rfc_id": long,
        "in_reply_to": long,
        "references": [long] * 50,
        "envelope_from": CONTROL * 320,
        "priority": "normal",
        "addresses": dict.fromkeys(("from", "to", "cc", "bcc", "replyTo"), person),
        "headers": {f"x-{number}": long for number in range(50)} | {"date": long},
        "text": CONTROL * 100_000,
        "html": CONTROL * 100_000,
        "attachments": [
            {"filename": long, "content_type": long, "size": 2**40, "content_id": long, "disposition": long}
        ]
        * 101,
    }


def made(raw: str | None = None, **message: Any) -> Payload:
    return payload(email(**message), ENDPOINT, raw)


@given(messages, st.none() | texts, st.integers(SMALLEST, 1_000_000))
@example(huge(), CONTROL * 100_000, SMALLEST)
@example(huge(), CONTROL * 100_000, 1_000_000)
def test_a_body_is_json_of_at_most_the_allowed_size_and_always_the_same(
    message: dict[str, Any], raw: str | None, most: int
):
    found = body(made(raw, **message), most)

    assert len(found) <= most
    assert found == body(made(raw, **message), most)
    read = json.loads(found.decode("utf-8"))
    assert (read["event"], read["email"]["id"], read["endpoint"]["id"]) == ("email.received", "em1", "ep1")
    if not read["email"]["truncated"]:
        assert read == json.loads(json.dumps(made(raw, **message)))


def left_out(most: int, raw: str | None = None, **message: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body(made(raw, **message), most))["email"]
    return found


def test_the_raw_text_goes_first():
    found = left_out(SMALLEST, raw="r" * 60_000, text="t" * 30_000)

    assert found["truncated"] == ["raw"]
    assert found["cleanedContent"]["text"] == found["parsedData"]["textBody"] == "t" * 30_000


def test_then_the_second_copy_of_the_texts():
    found = left_out(SMALLEST, raw="", text="t" * 60_000, headers={"x-long": "h" * 2_000})

    assert found["truncated"] == ["cleanedContent"]
    assert (found["cleanedContent"]["text"], found["cleanedContent"]["hasText"]) == (None, True)
    assert found["cleanedContent"]["headers"] == {"x-long": "h" * 2_000}


def test_then_long_header_values():
    found = left_out(SMALLEST, raw="", text="t" * 60_000, headers={"x-long": "h" * 30_000, "x-short": "1"})

    assert found["truncated"] == ["cleanedContent", "headers"]
    assert found["parsedData"]["headers"] == found["cleanedContent"]["headers"] == {"x-short": "1"}


def test_then_the_html():
    found = left_out(SMALLEST, raw="", text="t" * 40_000, html="h" * 90_000)

    assert found["truncated"] == ["cleanedContent", "htmlBody"]
    assert (found["parsedData"]["textBody"], found["cleanedContent"]["hasHtml"]) == ("t" * 40_000, True)


def test_then_the_end_of_the_text_between_two_characters():
    found = left_out(200_000, raw="", text="ä" * 200_000)

    assert found["truncated"] == ["cleanedContent", "textBody"]
    assert set(found["parsedData"]["textBody"]) == {"ä"}
    assert 60_000 < len(found["parsedData"]["textBody"].encode()) <= 65_536


def test_in_the_end_values_are_cut_and_links_are_not():
    found = json.loads(body(made("", **huge()), SMALLEST))["email"]

    assert found["truncated"] == ["cleanedContent", "headers", "htmlBody", "textBody", "values"]
    assert found["parsedData"]["attachments"][0]["downloadUrl"] == "/api/v2/mail/em1/attachments/0"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript_reads_the_same():
    message = {"text": '\u2028\u2029\x7f\U0001f35d"\\</script>\ufffe', "subject": "\x01ä\u200b"}
    sent = body(made("\ufeffraw", **message), SMALLEST)
    script = "process.stdin.toArray().then(d => console.log(JSON.stringify(JSON.parse(Buffer.concat(d).toString()))))"

    found = subprocess.run(["node", "-e", script], input=sent, capture_output=True, check=True, timeout=30).stdout

    assert json.loads(found) == json.loads(sent)
