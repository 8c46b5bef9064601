"""The object that SES stores, and what SMTP accepts."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy

import pytest

from ses_integration.emulator.receiving.smtp import MAX_BYTES
from ses_integration.tests.emulator.clients import control
from ses_integration.tests.emulator.receiving.inbox import RAW, Inbox

pytestmark = pytest.mark.sqlite_only

HEAD = b"From: ann@sender.example\r\nSubject: Hi\r\n"
MAILS = {
    "eight bits": HEAD + b"\r\nGr\xfc\xdfe \x80\xff\r\n",
    "utf-8 in the header": "Subject: Grüße\r\n\r\nHello\r\n".encode(),
    "dots": HEAD + b"\r\n.\r\n..\r\n.dot\r\n\r\n",
    "a long line": HEAD + b"X-Long: " + b"x" * 5000 + b"\r\n\r\n" + b"y" * 100_000 + b"\r\n",
    "zeros": HEAD + b"\r\n\0\0\r\n",
    "no body": HEAD,
    "no header": b"\r\nonly text\r\n",
    "forged verdicts": b"X-SES-Spam-Verdict: PASS\r\nReturn-Path: <forged@example.com>\r\n" + RAW,
}


@pytest.mark.parametrize("raw", MAILS.values(), ids=MAILS)
def test_the_mail_is_stored_byte_for_byte_under_the_header_of_ses(inbox: Inbox, raw: bytes) -> None:
    inbox.add_rule("rule", "example.com", ScanEnabled=True)
    inbox.send("hello@example.com", raw=raw)
    [found] = inbox.notifications()
    stored = inbox.stored(found["receipt"]["action"]["objectKey"])
    head, body = stored[: -len(raw)], stored[-len(raw) :]
    assert body == raw
    assert [line.partition(b":")[0].decode() for line in head.splitlines() if not line.startswith(b" ")] == [
        "Return-Path",
        "Received",
        "X-SES-Spam-Verdict",
        "X-SES-Virus-Verdict",
        "Received-SPF",
        "Authentication-Results",
        "X-SES-RECEIPT",
        "X-SES-DKIM-SIGNATURE",
    ]
    assert head.count(b"\n") == head.count(b"\r\n")


def test_the_header_of_ses_names_its_message_id_the_recipient_and_the_verdicts(inbox: Inbox) -> None:
    inbox.add_rule("rule", "hello@example.com")
    control(inbox.emulator.url, "POST", "/_verdicts", {"dkim": "FAIL", "spf": "GRAY"})
    inbox.send("hello@example.com")
    [found] = inbox.notifications()
    assert found["receipt"]["action"]["objectKey"] == f"rule/{found['mail']['messageId']}"
    mail = message_from_bytes(inbox.stored(found["receipt"]["action"]["objectKey"]), policy=policy.SMTP)
    assert mail["Return-Path"] == "<ann@sender.example>"
    named = f"by inbound-smtp.eu-west-1.amazonaws.com with SMTP id {found['mail']['messageId']} for hello@example.com; "
    assert named in mail["Received"]
    assert mail["Authentication-Results"].startswith("amazonses.com; spf=none (spfCheck: domain of sender.example)")
    assert (
        "dkim=fail header.i=@sender.example; dmarc=pass header.from=sender.example;" in mail["Authentication-Results"]
    )
    # The rule does not scan.
    assert mail["X-SES-Spam-Verdict"] is None


def test_a_header_that_a_rule_adds_is_stored_and_notified(inbox: Inbox) -> None:
    added = {"AddHeaderAction": {"HeaderName": "X-Rule", "HeaderValue": "first"}}
    stored = {"BucketName": "mail", "TopicArn": inbox.prepared.topic_arn}
    inbox.add_rule("rule", "example.com", actions=[added, {"S3Action": stored}])
    inbox.send("hello@example.com")
    [found] = inbox.notifications()
    assert {"name": "X-Rule", "value": "first"} in found["mail"]["headers"]
    assert found["receipt"]["action"] == {
        "type": "S3",
        "bucketName": "mail",
        "topicArn": inbox.prepared.topic_arn,
        "objectKey": found["mail"]["messageId"],
    }
    assert b"\r\nX-Rule: first\r\nFrom: Ann" in inbox.stored(found["mail"]["messageId"])


def test_a_mail_over_40_mb_is_refused_with_552(inbox: Inbox) -> None:
    inbox.add_rule("rule", "example.com")
    with inbox.smtp() as connection:
        connection.ehlo()
        assert connection.esmtp_features["size"] == str(MAX_BYTES)
        assert connection.mail("ann@sender.example", [f"SIZE={MAX_BYTES + 1}"])[0] == 552
        connection.mail("ann@sender.example")
        connection.rcpt("hello@example.com")
        # The client does not say the size, and sends too much.
        line = b"x" * 998 + b"\r\n"
        assert connection.data(RAW + line * (MAX_BYTES // len(line) + 1))[0] == 552
        connection.rset()
        connection.sendmail("ann@sender.example", "hello@example.com", RAW)
    assert [mail["size"] for mail in inbox.emulator.mails()] == [len(RAW)]


def test_a_bounce_has_no_sender(inbox: Inbox) -> None:
    inbox.add_rule("rule", "example.com")
    inbox.send("hello@example.com", sender="")
    [found] = inbox.notifications()
    assert (found["mail"]["source"], found["mail"]["commonHeaders"]["returnPath"]) == ("", "")
    assert inbox.stored(found["receipt"]["action"]["objectKey"]).startswith(b"Return-Path: <>\r\n")


def test_a_client_cannot_log_in(inbox: Inbox) -> None:
    with inbox.smtp() as connection:
        connection.ehlo()
        assert not connection.has_extn("auth")
        with pytest.raises(smtplib.SMTPNotSupportedError):
            connection.login("user", "password")


def test_an_address_outside_ascii_is_received(inbox: Inbox) -> None:
    inbox.add_rule("rule", "example.com")
    with inbox.smtp() as connection:
        connection.sendmail("grün@sender.example", "grün@example.com", RAW, ["SMTPUTF8", "BODY=8BITMIME"])
    [found] = inbox.notifications()
    assert (found["mail"]["source"], found["receipt"]["recipients"]) == ("grün@sender.example", ["grün@example.com"])


def test_an_action_whose_bucket_or_topic_is_gone_is_counted_and_the_next_one_runs(inbox: Inbox) -> None:
    inbox.add_rule("first", "example.com")
    inbox.add_rule("second", "example.com", actions=[{"SNSAction": {"TopicArn": inbox.prepared.topic_arn}}])
    inbox.s3.delete_bucket(Bucket="mail")
    inbox.send("hello@example.com")
    [found] = inbox.notifications()
    assert found["receipt"]["action"] == {
        "type": "SNS",
        "topicArn": inbox.prepared.topic_arn,
        "encoding": "UTF-8",
    }
    assert found["content"].endswith(RAW.decode())
    [mail] = inbox.emulator.mails()
    assert (mail["publish_expired"], mail["objects"], mail["rules"]) == (1, [], ["first", "second"])


def test_a_reset_forgets_the_mails(inbox: Inbox) -> None:
    inbox.add_rule("rule", "example.com")
    inbox.send("hello@example.com")
    _, [mail] = control(inbox.emulator.url, "GET", "/_mail")
    assert (mail["from"], mail["to"]) == ("ann@sender.example", ["hello@example.com"])
    assert mail["objects"] == [{"bucket": "mail", "key": f"rule/{mail['id']}"}]
    inbox.emulator.reset()
    assert control(inbox.emulator.url, "GET", "/_mail") == (200, [])
