"""Headers of downloads, for any name and type that a stranger gives a file."""

from __future__ import annotations

import unicodedata
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.downloads.headers import download_headers, safe_filename, safe_type

pytestmark = pytest.mark.sqlite_only


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht März.pdf", "Übersicht März.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        (r"C:\Windows\system.ini", "C__Windows_system.ini"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nSet-Cookie: x=1", "a Set-Cookie_ x=1"),
        ("a\x00b.txt", "ab.txt"),
        (".bashrc", "bashrc"),
        ("  two   blanks .txt ", "two blanks .txt"),
        ('"quoted".txt', "_quoted_.txt"),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_name_cannot_leave_its_folder_or_lie_about_itself(given_name: str, safe: str) -> None:
    assert safe_filename(given_name) == safe


def test_a_long_name_keeps_its_extension() -> None:
    safe = safe_filename(f"{'ä' * 300}.tar.gz")
    assert len(safe.encode()) <= 255
    assert safe.endswith("ä.gz")


@pytest.mark.parametrize(
    "active",
    [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "application/javascript",
        "TEXT/HTML; charset=x",
    ],
)
def test_what_a_browser_would_run_is_served_as_bytes(active: str) -> None:
    assert safe_type(active) == "application/octet-stream"


@pytest.mark.parametrize("broken", ["", "text", "text/", "a b/c", "text/plain\r\nX: y", "täxt/plain", "x" * 300])
def test_what_is_no_media_type_is_served_as_bytes(broken: str) -> None:
    assert safe_type(broken) == "application/octet-stream"


@given(name=st.text(), kind=st.text())
def test_any_name_makes_headers_that_can_be_sent_and_name_one_file(name: str, kind: str) -> None:
    headers = download_headers(name, kind)
    for value in headers.values():
        assert value.isascii()
        assert value.isprintable()
    parsed = Message()
    parsed["Content-Disposition"] = headers["Content-Disposition"]
    assert parsed.get_content_disposition() == "attachment"
    sent = unquote(headers["Content-Disposition"].rpartition("''")[2])
    assert not set(sent) & set('/\\:*?"<>|')
    assert not [character for character in sent if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")]
    assert headers["X-Content-Type-Options"] == "nosniff"
