"""`send_test_mail` hands mail to an SMTP server, and says what the server says."""

from __future__ import annotations

import email
import re
import socket
from email.policy import default
from pathlib import Path

import pytest
from django.core.management import CommandError

from ses_integration.aws import clients


def stored() -> list[bytes]:
    """The mails in the bucket, without SES's block of headers."""
    s3 = clients.s3("eu-west-1")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="inbound-mail").get("Contents", [])]
    return [s3.get_object(Bucket="inbound-mail", Key=key)["Body"].read() for key in keys]


def test_a_mail_arrives_as_it_was_composed(domain, send, tmp_path: Path) -> None:
    file = tmp_path / "bericht.md"
    file.write_bytes(b"# Bericht\n\xff")
    words = ["--from", "Ann <ann@example.net>", "--subject", "Grüße", "--text", "Hello", "--html", "<p>Hello</p>"]
    code, shown, _ = send("hello@example.com", *words, "--attach", str(file))
    assert code == 0
    assert "has accepted" in shown
    [raw] = stored()
    mail = email.message_from_bytes(raw, policy=default)
    assert (mail["From"], mail["To"], mail["Subject"]) == ("Ann <ann@example.net>", "hello@example.com", "Grüße")
    assert re.fullmatch(r"<\S+@test\.invalid>", mail["Message-ID"])
    bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
    assert [body and body.get_content().splitlines() for body in bodies] == [["Hello"], ["<p>Hello</p>"]]
    [attachment] = mail.iter_attachments()
    assert (attachment.get_filename(), attachment.get_payload(decode=True)) == ("bericht.md", b"# Bericht\n\xff")
    assert b"ann@example.net" in raw.partition(b"\r\n")[0], "the envelope sender, which SES writes first"


def test_a_file_is_sent_as_it_is_with_the_line_ends_of_smtp(domain, send, tmp_path: Path) -> None:
    file = tmp_path / "x.eml"
    file.write_bytes(b"Subject: 8 bit: \xe4\n\n.a line with a dot\n..\nend")
    code, _, _ = send("hello@example.com", "--file", str(file))
    assert code == 0
    [raw] = stored()
    assert raw.endswith(b"Subject: 8 bit: \xe4\r\n\r\n.a line with a dot\r\n..\r\nend\r\n")


def test_many_mails_go_over_one_connection_and_are_told_apart(domain, send) -> None:
    code, shown, _ = send("hello@example.com", "--count", "3")
    assert code == 0
    assert re.search(r"has accepted 3 mails, .* in \d+\.\d\d s: [\d,]+ a second\n", shown)
    mails = [email.message_from_bytes(raw, policy=default) for raw in stored()]
    assert sorted(mail["Subject"] for mail in mails) == ["Test mail 1 of 3", "Test mail 2 of 3", "Test mail 3 of 3"]
    assert len({mail["Message-ID"] for mail in mails}) == 3


def test_a_recipient_that_nobody_receives_for_is_refused_in_the_words_of_ses(domain, send) -> None:
    with pytest.raises(CommandError, match=r"^550 5\.1\.1 .*mailbox unavailable \(nobody@example\.org\)$"):
        send("hello@example.com", "nobody@example.org")
    assert stored() == []


def test_a_bounce_has_no_sender(domain, send) -> None:
    assert send("hello@example.com", "--from", "")[0] == 0
    assert stored()[0].startswith(b"Return-Path: <>")


def test_without_a_server_it_says_where_it_looked(domain, send, settings) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.SMTP_PORT = closed.getsockname()[1]
        with pytest.raises(CommandError, match=rf"No mail server listens on 127\.0\.0\.1:{settings.SMTP_PORT}: "):
            send("hello@example.com")


def test_another_machine_gets_mail_only_if_it_is_named_on_the_command_line(domain, send, settings) -> None:
    server = f"127.0.0.1:{settings.SMTP_PORT}"
    settings.SMTP_HOST = "192.0.2.1"
    with pytest.raises(CommandError, match=r"192\.0\.2\.1, which is not this machine\. .* --server 192\.0\.2\.1:"):
        send("hello@example.com")
    assert send("hello@example.com", "--server", server)[0] == 0


@pytest.mark.parametrize("option", ["--attach", "--file"])
def test_a_file_that_cannot_be_read_is_named(domain, send, option: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=rf"{tmp_path}/nothing cannot be read: No such file"):
        send("hello@example.com", option, f"{tmp_path}/nothing")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["hello"], "'hello' is not an email address"),
        (["hello@example.com", "--server", "example.com"], "is not HOST:PORT"),
        (["hello@example.com", "--server", "a@b:25"], "is not HOST:PORT"),
        (["hello@example.com", "--count", "0"], "is not a number from 1 to 100,000"),
        (["hello@example.com", "--wait", "nan"], "is not a number of seconds"),
        (["hello@example.com", "--file", __file__, "--html", "x"], "do not go with it"),
        (["hello@example.com", "--subject", "a\nb"], "cannot be written into a header"),
        (["hello@example.com", "--from", "Ann <ann"], "cannot be written into a header"),
    ],
)
def test_wrong_usage_is_a_sentence(domain, send, words: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=re.escape(problem)):
        send(*words)
    assert stored() == []
