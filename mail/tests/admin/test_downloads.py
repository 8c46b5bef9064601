"""Downloads in the admin: the mail as it is stored, and its attachments."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from inbound.tests.support.admin_site import messages_on, staff, text, url
from mail.tests.admin.mails import PNG, composed, received
from ses_integration.aws import clients


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_the_raw_mail_is_what_the_bucket_has(admin_client: Client, domain) -> None:
    raw = composed(text="x" * 700_000)
    row = received(domain, raw)
    answer = admin_client.get(url("mail.receivedemail", "raw", row.pk))
    assert body(answer) == raw
    assert answer["Content-Length"] == str(len(raw))
    assert answer["Content-Type"] == "message/rfc822"
    assert answer["Content-Disposition"].startswith(f'attachment; filename="{row.message.ses_id}.eml"')


def test_an_attachment_is_what_was_attached(admin_client: Client, domain) -> None:
    row = received(domain, composed(a_png=PNG, b_png=PNG + b"2"))
    answer = admin_client.get(url("mail.receivedemail", "attachment", row.pk, 1))
    assert body(answer) == PNG + b"2"
    assert answer["Content-Disposition"] == "attachment; filename=\"b.png\"; filename*=UTF-8''b.png"
    assert answer["Content-Type"] == "image/png"


def test_no_browser_shows_what_it_gets(admin_client: Client, domain) -> None:
    raw = b'Content-Type: text/html; name="x.html"\nContent-Disposition: attachment\n\n<script>alert(1)</script>'
    row = received(domain, raw)
    for page, args in (("raw", ()), ("attachment", (0,))):
        answer = admin_client.get(url("mail.receivedemail", page, row.pk, *args))
        body(answer)
        assert answer["Content-Disposition"].startswith("attachment; ")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"].startswith("sandbox;")
        assert "html" not in answer["Content-Type"]


def test_a_mail_with_a_virus_is_downloaded_only_with_a_second_click(admin_client: Client, domain) -> None:
    row = received(domain, composed(a_png=PNG), virus="FAIL")
    for page, args in (("raw", ()), ("attachment", (0,))):
        path = url("mail.receivedemail", page, row.pk, *args)
        first = admin_client.get(path)
        assert "SES has found a virus in this mail" in text(first)
        assert 'href="?unsafe=true"' in text(first)
        second = admin_client.get(f"{path}?unsafe=true")
        assert body(second)
        assert second["Content-Disposition"].startswith("attachment; ")


def test_what_does_not_exist_is_not_found(admin_client: Client, domain) -> None:
    row = received(domain, composed(a_png=PNG))
    assert admin_client.get(url("mail.receivedemail", "attachment", row.pk, 1)).status_code == 404
    assert admin_client.get(url("mail.receivedemail", "raw", "nothing")).status_code == 404
    assert admin_client.get(url("mail.receivedemail", "attachment", "nothing", 0)).status_code == 404


@pytest.mark.parametrize(("page", "args"), [("raw", ()), ("attachment", (0,))])
def test_a_mail_that_the_bucket_has_lost_leads_back_to_its_page(admin_client: Client, domain, page, args) -> None:
    row = received(domain, composed(a_png=PNG))
    clients.s3("eu-west-1").delete_object(Bucket="inbound-mail", Key=row.message.key)
    answer = admin_client.get(url("mail.receivedemail", page, row.pk, *args))
    assert answer["Location"] == url("mail.receivedemail", "change", row.pk)
    assert messages_on(answer) == [("error", "The bucket does not have this mail any more.")]


def test_while_s3_does_not_answer_the_page_says_so(admin_client: Client, domain, ses) -> None:
    row = received(domain, composed())
    ses.add_faults({"service": "s3", "action": "GetObject", "fault": "access_denied", "times": None})
    answer = admin_client.get(url("mail.receivedemail", "raw", row.pk))
    assert messages_on(answer) == [
        ("error", "AWS does not allow s3:GetObject on inbound-mail; the credentials lack a permission.")
    ]


def test_a_request_for_the_head_alone_leaves_no_connection_open(admin_client: Client, domain) -> None:
    row = received(domain, composed(text="x" * 700_000))
    answer = admin_client.head(url("mail.receivedemail", "raw", row.pk))
    assert (answer.status_code, answer["Content-Type"]) == (200, "message/rfc822")
    answer.close()


def test_downloads_are_only_for_those_who_may_view_mail(client: Client, domain) -> None:
    row = received(domain, composed(a_png=PNG))
    staff(client, "mail.change_mailsweep")
    assert client.get(url("mail.receivedemail", "raw", row.pk)).status_code == 403
    assert client.get(url("mail.receivedemail", "attachment", row.pk, 0)).status_code == 403


def test_links_to_downloads_survive_any_id(admin_client: Client, domain) -> None:
    row = received(domain, composed(), recipient="other@example.com")
    type(row).objects.filter(pk=row.pk).update(id="a_5Fb/c-_")
    page = html.unescape(admin_client.get(url("mail.receivedemail", "change", "a_5Fb/c-_")).content.decode())
    link = page.split('/raw/"')[0].rpartition('"')[2] + "/raw/"
    assert body(admin_client.get(link)) == composed()
