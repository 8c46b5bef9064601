"""Nothing in a mail runs in an operator's browser, wherever in the mail it is."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from inbound.tests.support.admin_site import url
from mail.admin.content import FRAME_HEAD
from mail.tests.admin.hostile import PAYLOADS
from mail.tests.admin.mails import composed, received

URLS = ("href", "src", "action", "formaction", "data", "poster")


class Page(HTMLParser):
    """The elements of a page, as a browser sees them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def assert_harmless(response: Any) -> Page:
    page = Page(response.content.decode())
    ours = ("/static/admin/", "/static/backoffice/", "/admin/jsi18n/")
    assert all(script.get("src", "").startswith(ours) for script in page.of("script"))
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in URLS:
            value = attributes.get(name, "")
            assert not value.startswith(("javascript:", "data:", "http", "//")), (tag, attributes)
    assert not {"object", "embed", "base", "math", "video", "style"} & {tag for tag, _ in page.elements}
    policy = dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))
    assert (policy["script-src"], policy["object-src"], policy["frame-src"]) == ("'self'", "'none'", "'none'")
    return page


@pytest.fixture(params=PAYLOADS, ids=range(len(PAYLOADS)))
def payload(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_part_of_a_mail_becomes_a_part_of_the_page(admin_client: Client, domain, payload: str) -> None:
    header = payload.replace("\x00", "").replace("\x1b", "")
    raw = composed(header, text=payload, html=payload).replace(b"Ann", header.encode("ascii", "ignore"))
    attachment = {
        "index": 0,
        "filename": payload.replace("\x00", ""),
        "content_type": header,
        "size": 1,
        "disposition": header,
    }
    row = received(
        domain, raw, attachments=[attachment], from_name=header, envelope_from=header[:320], problem=header[:500],
        parse_error=header[:500], truncated=[header], rfc_id=header, spf=header[:20], dmarc_policy=header[:10],
    )  # fmt: skip
    for path in (
        url("mail.receivedemail", "change", row.pk),
        url("mail.receivedemail", "delete", row.pk),
        url("mail.receivedemail", "changelist"),
        f"{url('mail.receivedemail', 'changelist')}?q=pwned",
    ):
        assert_harmless(admin_client.get(path))


def test_the_html_of_a_mail_is_in_a_frame_without_rights_even_if_it_was_not_sanitised(
    admin_client: Client, domain, payload: str
) -> None:
    row = received(domain, composed(), html=payload.replace("\x00", ""))
    page = assert_harmless(admin_client.get(url("mail.receivedemail", "change", row.pk)))
    [frame] = page.of("iframe")
    assert frame["sandbox"] == ""
    assert frame["srcdoc"] == FRAME_HEAD + payload.replace("\x00", "")
    assert FRAME_HEAD.startswith('<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" ')
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in FRAME_HEAD


def test_characters_that_reorder_a_name_are_shown(admin_client: Client, domain) -> None:
    attachment = {"index": 0, "filename": "invoice\u202efdp.exe", "content_type": "x/y", "size": 1, "disposition": None}
    row = received(domain, composed("a\u202eb"), attachments=[attachment])
    page = admin_client.get(url("mail.receivedemail", "change", row.pk)).content.decode()
    assert "\u202e" not in page
    assert "invoice\\u202efdp.exe" in page
    assert "a\\u202eb" in page


def test_the_html_is_folded_away_until_somebody_asks_for_it(admin_client: Client, domain) -> None:
    row = received(domain, composed(html="<p>Hello</p>"))
    source = admin_client.get(url("mail.receivedemail", "change", row.pk)).content.decode()
    before, _, _ = source.partition('<iframe class="mail-html"')
    assert before.rpartition("<details")[2].partition("</details>")[1] == ""
    assert 'loading="lazy"' in source


def test_a_page_of_mail_stays_in_no_cache(admin_client: Client, domain) -> None:
    row = received(domain, composed())
    assert admin_client.get(url("mail.receivedemail", "change", row.pk))["Cache-Control"].startswith("no-store")
