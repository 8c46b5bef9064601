"""GET /mail/{id}/attachments, and one of them by position and by name."""

from __future__ import annotations

import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import UserFactory
from mail.models import ReceivedEmail
from mail.tests.inbox import ATTACHMENTS, RAW, URL, mail_with, received, stored

pytestmark = pytest.mark.sqlite

BINARY = "application/octet-stream"


def by_index(client, email: ReceivedEmail, index: object = 0, query: str = ""):
    return client.get(f"{URL}/{email.pk}/attachments/{index}{query}")


def by_name(client, email: ReceivedEmail, name: str, query: str = ""):
    return client.get(f"/api/v2/attachments/{email.pk}/{name}{query}")


def test_attachments_are_listed_with_links(api, domain):
    raw = mail_with(("a.pdf", "application/pdf", b"%PDF"), ("b.txt", "text/plain", b"bb"), (None, "image/png", b"ccc"))
    email = stored(domain, raw)
    answer = api.get(f"{URL}/{email.pk}/attachments").json()
    assert answer["pagination"] == {"limit": 50, "offset": 0, "total": 3, "hasMore": False}
    assert answer["data"][0] == {
        "index": 0,
        "filename": "a.pdf",
        "contentType": "application/pdf",
        "size": 4,
        "contentId": None,
        "contentDisposition": "attachment",
        "downloadUrl": f"http://testserver{URL}/{email.pk}/attachments/0",
    }
    assert [each["filename"] for each in answer["data"]] == ["a.pdf", "b.txt", None]
    for each, content in zip(answer["data"], (b"%PDF", b"bb", b"ccc"), strict=True):
        assert api.get(each["downloadUrl"]).getvalue() == content


def test_the_list_has_pages(api, domain):
    email = received(domain, attachments=[{**ATTACHMENTS[0], "index": n, "filename": f"{n}"} for n in range(5)])
    answer = api.get(f"{URL}/{email.pk}/attachments?limit=2&offset=3").json()
    assert [each["index"] for each in answer["data"]] == [3, 4]
    assert answer["pagination"] == {"limit": 2, "offset": 3, "total": 5, "hasMore": False}
    assert api.get(f"{URL}/{email.pk}/attachments?limit=101").status_code == 400


def test_an_attachment_is_decoded_and_sent_as_a_file(api, domain):
    content = bytes(range(256)) * 2000
    email = stored(domain, mail_with(("Grüße.bin", "application/zip", content)))
    for answer in (by_index(api, email), by_name(api, email, "Gr%C3%BC%C3%9Fe.bin")):
        assert answer.status_code == 200
        assert answer.getvalue() == content
        assert dict(answer.items()) | {
            "Content-Type": "application/zip",
            "Content-Length": str(len(content)),
            "Content-Disposition": "attachment; filename=\"Gr__e.bin\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.bin",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        } == dict(answer.items())


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/xml", "application/xhtml+xml", "text/javascript"]
)
def test_what_a_browser_could_run_is_sent_as_bytes(api, domain, kind):
    email = stored(domain, mail_with(("a.html", kind, b"<script>alert(1)</script>")))
    answer = by_index(api, email)
    assert (answer["Content-Type"], answer.getvalue()) == (BINARY, b"<script>alert(1)</script>")


def test_the_first_attachment_with_a_name_is_sent(api, domain):
    email = stored(
        domain, mail_with(("x", "image/png", b"1"), ("a.txt", "text/plain", b"2"), ("a.txt", "text/plain", b"3"))
    )
    assert by_name(api, email, "a.txt").getvalue() == b"2"
    assert by_index(api, email, 2).getvalue() == b"3"


def test_a_name_with_separators_is_found_as_it_is_and_as_it_is_saved(api, domain):
    email = stored(domain, mail_with(("../etc/passwd", "image/png", b"1")))
    (listed,) = api.get(f"{URL}/{email.pk}/attachments").json()["data"]
    answer = by_name(api, email, listed["filename"].replace("/", "%2F"))
    assert answer.getvalue() == b"1"
    saved = answer["Content-Disposition"].partition('filename="')[2].partition('"')[0]
    assert "/" not in saved
    assert by_name(api, email, saved).getvalue() == b"1"


def test_head_has_the_same_headers_and_no_body(api, domain):
    email = stored(domain, RAW)
    got, head = by_index(api, email), api.head(f"{URL}/{email.pk}/attachments/0")
    got.close()
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.items()) == {**dict(got.items()), "X-Request-Id": head["X-Request-Id"]}


@pytest.mark.parametrize("index", ["1", "-1", "x", "01x", "\N{SUPERSCRIPT TWO}", "9" * 30])
def test_a_position_without_attachment_is_404(api, domain, index):
    answer = by_index(api, stored(domain, RAW), index)
    assert (answer.status_code, answer.json()) == (404, {"error": "Attachment not found"})


@pytest.mark.parametrize(
    ("name", "columns", "status", "error"),
    [
        ("b.txt", {}, 404, "Attachment not found"),
        ("a.txt", {"attachments": []}, 404, "No attachments found in this email"),
        ("%20", {}, 400, "Email ID and attachment filename are required"),
    ],
)
def test_errors_by_name(api, domain, name, columns, status, error):
    answer = by_name(api, stored(domain, RAW, **columns), name)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_another_users_attachments_are_404_and_so_are_those_of_a_domain_being_deleted(api, client_for, domain):
    email = stored(domain, RAW)
    stranger = client_for(UserFactory())
    for client, since in ((stranger, None), (api, timezone.now())):
        Domain.objects.update(deleting_since=since)
        for answer in (by_index(client, email), client.get(f"{URL}/{email.pk}/attachments")):
            assert (answer.status_code, answer.json()) == (404, {"error": "Email not found"})
        answer = by_name(client, email, "a.txt")
        assert (answer.status_code, answer.json()) == (404, {"error": "Email not found or access denied"})


def test_a_message_that_s3_does_not_have_is_410_and_a_silent_s3_503(api, domain, ses):
    gone = received(domain, attachments=ATTACHMENTS)
    answer = by_index(api, gone)
    assert (answer.status_code, answer.json()) == (410, {"error": "Stored message is gone"})
    ses.add_faults(
        {"service": "s3", "action": "*", "fault": "error", "status": 500, "code": "InternalError", "times": None}
    )
    answer = by_name(api, gone, "a.txt")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_a_virus_needs_to_be_asked_for(api, domain):
    email = stored(domain, RAW, virus="FAIL")
    error = {"error": "SES found a virus in this mail. Add ?unsafe=true to download it all the same."}
    for answer in (by_index(api, email), by_name(api, email, "a.txt")):
        assert (answer.status_code, answer.json()) == (403, error)
    for answer in (by_index(api, email, 0, "?unsafe=true"), by_name(api, email, "a.txt", "?unsafe=true")):
        assert answer.getvalue().strip() == b"An attachment"
    assert api.get(f"{URL}/{email.pk}/attachments").status_code == 200


def test_attachments_need_the_scope_to_read(client_for, user, domain):
    email = stored(domain, RAW)
    client = client_for(user, Scope.WRITE)
    for answer in (
        by_index(client, email),
        by_name(client, email, "a.txt"),
        client.get(f"{URL}/{email.pk}/attachments"),
    ):
        assert answer.status_code == 403
