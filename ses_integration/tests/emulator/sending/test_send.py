"""What becomes of a mail that is sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client, control, refusal
from ses_integration.tests.emulator.receiving.inbox import Inbox
from ses_integration.tests.emulator.sending.conftest import RAW, Sender

pytestmark = pytest.mark.sqlite_only


def test_the_outbox_shows_each_mail(sender: Sender) -> None:
    tags = [{"Name": "delivery", "Value": "d1"}]
    message_id = sender.send("you@example.net", "me@example.net", EmailTags=tags)
    assert re.fullmatch(r"0102[0-9a-f]{12}-[0-9a-f-]{36}-000000", message_id)
    status, listed = control(sender.emulator.url, "GET", "/_outbox")
    (mail,) = listed
    assert (status, mail["id"], mail["from"], mail["subject"]) == (200, message_id, "hello@example.com", "Plan")
    assert (mail["to"], mail["tags"]) == (["you@example.net", "me@example.net"], {"delivery": "d1"})
    assert mail["headers"]["message-id"] == f"<{message_id}@eu-west-1.amazonses.com>"
    assert mail["size"] == len(sender.raw(message_id))
    assert control(sender.emulator.url, "DELETE", "/_outbox") == (200, [])
    assert sender.emulator.outbox() == []


def test_ses_overwrites_what_it_owns_and_leaves_the_body(sender: Sender) -> None:
    """Amazon SES Developer Guide, "Amazon SES header fields": Message-ID and Date are SES's; X-SES fields steer the call."""
    head, _, body = sender.raw(sender.send()).partition(b"\r\n\r\n")
    assert body == RAW.partition(b"\r\n\r\n")[2]
    for gone in (b"mine@example.net", b"1 Jan 2024", b"X-SES-MESSAGE-TAGS", b"hidden@example.net"):
        assert gone not in head
    assert head.count(b"\r\nX-Trace: ") == 2
    assert head.startswith(
        b"DKIM-Signature: v=1; a=rsa-sha256; q=dns/txt; c=relaxed/simple; s=emulated; d=example.com;"
    )
    assert sender.emulator.outbox()[0]["tags"] == {"a": "b"}


def test_the_header_names_recipients_if_the_call_does_not(sender: Sender) -> None:
    raw = b"From: hello@example.com\r\nTo: a@example.net, B <b@example.net>\r\nCc: c@example.net\r\n\r\n"
    sender.sesv2.send_email(Content={"Raw": {"Data": raw}})
    (mail,) = sender.emulator.outbox()
    assert (mail["from"], mail["to"]) == ("hello@example.com", ["a@example.net", "b@example.net", "c@example.net"])


def test_version_1_sends_as_well(sender: Sender, ses: Any) -> None:
    """A mail of some megabytes, which comes as a form."""
    raw = RAW + b"x" * 70 + (b"\r\n" + b"+/=" * 20) * 100_000
    message_id = ses.send_raw_email(RawMessage={"Data": raw}, Destinations=["you@example.net"], Source="hello@example.com")[
        "MessageId"
    ]  # fmt: skip
    assert sender.raw(message_id).partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
    assert ses.get_send_quota()["SentLast24Hours"] == 1


def test_a_mail_to_a_domain_of_the_emulator_arrives_there(inbox: Inbox) -> None:
    """Stored as any other mail; bounces would come back to SES, which is the sender of the envelope."""
    inbox.add_rule("all", "example.com")
    message_id = Sender(inbox.emulator, client("sesv2", inbox.emulator.url)).send("in@example.com", "out@example.net")
    (told,) = inbox.notifications()
    assert told["mail"]["destination"] == ["in@example.com"]
    assert told["mail"]["source"] == f"{message_id}@eu-west-1.amazonses.com"
    stored = inbox.stored(told["receipt"]["action"]["objectKey"])
    assert stored.endswith(Sender(inbox.emulator, None).raw(message_id))


def test_a_mail_to_an_address_without_a_rule_is_in_the_outbox_only(inbox: Inbox) -> None:
    inbox.add_rule("one", "hello@example.com")
    Sender(inbox.emulator, client("sesv2", inbox.emulator.url)).send("nobody@example.com")
    assert (len(inbox.emulator.outbox()), inbox.notifications()) == (1, [])


@pytest.mark.parametrize(
    ("fault", "error", "sent"),
    [("lost", ConnectionClosedError, 1), ("dropped", ConnectionClosedError, 0), ("page", KeyError, 0)],
)
def test_faults_apply_to_sending(sender: Sender, fault: str, error: type[Exception], sent: int) -> None:
    sender.emulator.add_faults({"service": "sesv2", "action": "SendEmail", "fault": fault})
    with pytest.raises(error):
        sender.send()
    assert len(sender.emulator.outbox()) == sent
    sender.emulator.add_faults({"action": "SendEmail", "fault": "throttle"})
    assert refusal(sender.send).code == "TooManyRequestsException"


def test_an_unknown_mail_is_not_found(emulator: Emulator) -> None:
    assert control(emulator.url, "GET", "/_outbox/nothing")[0] == 404
