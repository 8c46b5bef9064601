"""The notification of a mail, its verdicts, and notifications that are lost, repeated or late."""

from __future__ import annotations

from typing import Any

import pytest

from ses_integration.tests.emulator.clients import control
from ses_integration.tests.emulator.receiving.inbox import RAW, Inbox

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def scanned(inbox: Inbox) -> Inbox:
    inbox.add_rule("rule", "example.com", ScanEnabled=True)
    return inbox


def behave(inbox: Inbox, **behaviour: Any) -> Any:
    status, answer = control(inbox.emulator.url, "POST", "/_notifications", behaviour)
    assert status == 200
    return answer


def end(inbox: Inbox) -> Any:
    return control(inbox.emulator.url, "DELETE", "/_notifications")[1]


def deliver(inbox: Inbox, number: int) -> list[str]:
    return [inbox.emulator.deliver("a@b.example", ["x@example.com"], RAW)[0] for _ in range(number)]


def ids(inbox: Inbox) -> list[str]:
    return [found["mail"]["messageId"] for found in inbox.notifications()]


def test_a_notification_has_the_members_of_the_published_sample(scanned: Inbox) -> None:
    raw = (
        b"From: Ann <ann@sender.example>, bob@sender.example\r\nTo: =?utf-8?q?J=C3=BCrgen?= <hello@example.com>\r\n"
        b"Cc: c@example.com\r\nReply-To: r@sender.example\r\nDate: Mon, 5 Oct 2026 10:00:00 +0200\r\n"
        b"Message-ID: <1@sender.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n aus\r\n\r\nHello\r\n"
    )
    scanned.send("hello@example.com", "other@example.com", raw=raw)
    [found] = scanned.notifications()
    mail, receipt = found.pop("mail"), found.pop("receipt")
    assert found == {"notificationType": "Received"}
    headers = {header["name"]: header["value"] for header in mail.pop("headers")}
    assert headers["Subject"] == "=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus"
    assert list(headers)[:3] == ["Return-Path", "Received", "X-SES-Spam-Verdict"]
    assert mail == {
        "timestamp": receipt["timestamp"],
        "source": "ann@sender.example",
        "messageId": mail["messageId"],
        "destination": ["hello@example.com", "other@example.com"],
        "headersTruncated": False,
        "commonHeaders": {
            "returnPath": "ann@sender.example",
            "from": ["Ann <ann@sender.example>", "bob@sender.example"],
            "to": ["Jürgen <hello@example.com>"],
            "cc": ["c@example.com"],
            "replyTo": ["r@sender.example"],
            "date": "Mon, 5 Oct 2026 10:00:00 +0200",
            "messageId": "<1@sender.example>",
            "subject": "Grüße aus",
        },
    }
    passed = {"status": "PASS"}
    assert receipt == {
        "timestamp": mail["timestamp"],
        "processingTimeMillis": 1,
        "recipients": ["hello@example.com", "other@example.com"],
        "spamVerdict": passed,
        "virusVerdict": passed,
        "spfVerdict": passed,
        "dkimVerdict": passed,
        "dmarcVerdict": passed,
        "action": {
            "type": "S3",
            "topicArn": scanned.prepared.topic_arn,
            "bucketName": "mail",
            "objectKeyPrefix": "rule/",
            "objectKey": f"rule/{mail['messageId']}",
        },
    }


def test_headers_over_10_kb_are_cut(scanned: Inbox) -> None:
    long = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 900) for number in range(20))
    scanned.send("hello@example.com", raw=RAW.replace(b"\r\n\r\n", b"\r\n" + long + b"\r\n"))
    [found] = scanned.notifications()
    assert found["mail"]["headersTruncated"]
    assert sum(len(header["name"] + header["value"]) for header in found["mail"]["headers"]) <= 10_000
    assert found["mail"]["commonHeaders"]["subject"] == "Hello"


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"no header at all", b"Subject: =?x?q?=\xff?=\r\nFrom: <<,>;\r\n\r\n", b"\xff" * 99]
)
def test_a_mail_with_any_header_is_notified(scanned: Inbox, raw: bytes) -> None:
    scanned.emulator.deliver("a@b.example", ["x@example.com"], raw)
    assert len(scanned.notifications()) == 1


GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = b"WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0ND" + b"KTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="


@pytest.mark.parametrize(
    ("raw", "verdicts"),
    [
        (RAW, ("PASS", "PASS", "PASS")),
        (RAW + GTUBE, ("FAIL", "PASS", "PASS")),
        (RAW + EICAR, ("PASS", "FAIL", "PASS")),
        (
            b"X-Emulate-Spam: gray\r\nX-Emulate-Dmarc: FAIL\r\nX-Emulate-Virus: nonsense\r\n" + RAW,
            ("GRAY", "PASS", "FAIL"),
        ),
    ],
)
def test_a_mail_can_ask_for_its_verdicts(scanned: Inbox, raw: bytes, verdicts: tuple[str, ...]) -> None:
    scanned.send("hello@example.com", raw=raw)
    [found] = scanned.notifications()
    receipt = found["receipt"]
    assert tuple(receipt[name]["status"] for name in ("spamVerdict", "virusVerdict", "dmarcVerdict")) == verdicts
    assert ("dmarcPolicy" in receipt) == (verdicts[2] == "FAIL")
    stored = scanned.stored(receipt["action"]["objectKey"])
    assert f"X-SES-Spam-Verdict: {verdicts[0]}\r\nX-SES-Virus-Verdict: {verdicts[1]}\r\n".encode() in stored


def test_verdicts_are_scripted_for_the_next_mails(scanned: Inbox) -> None:
    url = scanned.emulator.url
    control(url, "POST", "/_verdicts", {"spam": "FAIL", "times": 2})
    control(url, "POST", "/_verdicts", {"dmarc": "FAIL", "dmarc_policy": "reject", "times": None})
    deliver(scanned, 4)
    receipts = [found["receipt"] for found in scanned.notifications()]
    assert [receipt["spamVerdict"]["status"] for receipt in receipts] == ["FAIL", "FAIL", "PASS", "PASS"]
    assert [receipt.get("dmarcPolicy") for receipt in receipts] == [None, None, "reject", "reject"]
    assert control(url, "DELETE", "/_verdicts") == (200, [])
    deliver(scanned, 1)
    assert scanned.notifications()[0]["receipt"]["dmarcVerdict"]["status"] == "PASS"


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"times": 1}, {"spam": "BAD"}, {"dmarc_policy": "PASS"}, {"spam": "FAIL", "times": 0}, {"x": 1}],
)
def test_verdicts_that_ses_does_not_have_are_refused(emulator: Any, body: object) -> None:
    assert control(emulator.url, "POST", "/_verdicts", body)[0] == 400


def test_notifications_can_be_lost(scanned: Inbox) -> None:
    assert behave(scanned, drop=2)["drop"] == 2
    sent = deliver(scanned, 3)
    assert ids(scanned) == sent[2:]
    assert control(scanned.emulator.url, "GET", "/_notifications")[1]["dropped"] == 2
    assert len(scanned.s3.list_objects_v2(Bucket="mail")["Contents"]) == 3


def test_notifications_can_be_repeated(scanned: Inbox) -> None:
    behave(scanned, duplicate=5)
    sent = deliver(scanned, 2)
    assert ids(scanned) == [sent[0]] * 5 + [sent[1]] * 5


def test_notifications_can_be_shuffled_in_an_order_that_a_seed_repeats(scanned: Inbox) -> None:
    orders = []
    for seed in (1, 1, 2):
        behave(scanned, shuffle=True, seed=seed)
        sent = deliver(scanned, 20)
        assert ids(scanned) == []
        end(scanned)
        orders.append([sent.index(found) for found in ids(scanned)])
        assert sorted(orders[-1]) == list(range(20)) != orders[-1]
    assert orders[0] == orders[1] != orders[2]


def test_shuffled_notifications_can_come_in_groups(scanned: Inbox) -> None:
    behave(scanned, shuffle=3, duplicate=1)
    sent = deliver(scanned, 7)
    assert set(ids(scanned)) == set(sent[:6])
    assert end(scanned)["held"] == 0
    assert ids(scanned) == sent[6:]


def test_notifications_can_be_late(scanned: Inbox) -> None:
    behave(scanned, delay=3600)
    sent = deliver(scanned, 2)
    assert (ids(scanned), control(scanned.emulator.url, "GET", "/_notifications")[1]["held"]) == ([], 2)
    end(scanned)
    assert ids(scanned) == sent


def test_a_late_notification_comes_by_itself(scanned: Inbox) -> None:
    behave(scanned, delay=0.05)
    [sent] = deliver(scanned, 1)
    answer = scanned.sqs.receive_message(QueueUrl=scanned.prepared.queue_url, WaitTimeSeconds=20)
    assert sent in answer["Messages"][0]["Body"]


def test_a_reset_forgets_what_is_held_back(scanned: Inbox) -> None:
    behave(scanned, shuffle=True)
    deliver(scanned, 1)
    scanned.emulator.reset()
    shown = control(scanned.emulator.url, "GET", "/_notifications")[1]
    assert (shown["held"], shown["shuffle"]) == (0, False)


@pytest.mark.parametrize(
    "body",
    [[], {"x": 1}, {"drop": -1}, {"drop": True}, {"shuffle": "yes"}, {"delay": "1"}, {"delay": -1}, {"setup": 1}],
)
def test_an_unknown_behaviour_is_refused(emulator: Any, body: object) -> None:
    assert control(emulator.url, "POST", "/_notifications", body)[0] == 400


def test_a_new_or_changed_rule_writes_an_object_and_notifies_if_that_is_asked_for(inbox: Inbox) -> None:
    inbox.add_rule("quiet", "example.com")
    behave(inbox, setup=True)
    inbox.add_rule("first", "example.com")
    rule = inbox.ses.describe_receipt_rule(RuleSetName="set", RuleName="first")["Rule"]
    inbox.ses.update_receipt_rule(RuleSetName="set", Rule=rule)
    assert [found["mail"]["messageId"] for found in inbox.notifications()] == ["AMAZON_SES_SETUP_NOTIFICATION"] * 2
    keys = [item["Key"] for item in inbox.s3.list_objects_v2(Bucket="mail")["Contents"]]
    assert keys == ["first/AMAZON_SES_SETUP_NOTIFICATION"]
    assert inbox.emulator.mails() == []
