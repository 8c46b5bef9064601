from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domains.names import (
    RefusedName,
    ancestors,
    check_new_domain,
    domain_of,
    is_private_suffix,
    normalise_address,
    normalise_domain,
    registrable,
)

# Parts of real names in odd orders are more often valid than arbitrary text.
PIECES = st.sampled_from(
    ["example", "com", "co.uk", "bücher", "xn--bcher-kva", ".", "。", "-", "@", "A", " ", "ß", "\u200d"]
)
NAMES = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


@pytest.mark.parametrize(
    "text",
    ["", " ", "localhost", "com", "1.2.3.4", "example", ".", "..", ".com", "a..com", "-a.com",
     "a-.com", "a_b.com", "*.example.com", "exa mple.com", "example.com/", "https://example.com", "me@example.com",
     "example.com:25", "x" * 64 + ".com", ".".join(["a" * 60] * 5), "\u200b.com", "xn--a.com", "[1.2.3.4]", "example.123",
     "example.com..", "victim.com-catchall", "example.c0m", "example.c", "xn--.com", "xn--abc-.com", "b ü.de", "a….de",
     "a\u200db.de", "xn--ab-m1t.de", "a\u200cb.de", "\u200da.de", "a\u200d.de", "❤\u200d.de", "❤\u200db.de", "ü\u200dü.de",
     "❤\ufe0f\u200d.de", "\u0378\u200da.de", "a.b\u200dc.de", "\x00.com", "a\ud800.com", "xn--p1ai", "xn--BCHER-KVA-.de"],
)  # fmt: skip
def test_what_is_no_domain_name_is_refused(text):
    with pytest.raises(ValueError, match="not a domain name"):
        normalise_domain(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EXAMPLE.com", "example.com"),
        ("  example.com\n", "example.com"),
        ("example.com.", "example.com"),
        ("example.com。", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER。de", "xn--bcher-kva.de"),
        ("XN--BCHER-KVA.de", "xn--bcher-kva.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("ab--cd.com", "ab--cd.com"),
        ("r3---sn-4g5.bücher.de", "r3---sn-4g5.xn--bcher-kva.de"),
        ("i❤.ws", "xn--i-7iq.ws"),
        ("xn--i-7iq.ws", "xn--i-7iq.ws"),
        ("\U0001f469\u200d\U0001f4bb.ws", "xn--1ug1855pcha.ws"),
        ("\u2764\ufe0f\u200d\U0001f525.to", "xn--1ug010ai253b.to"),
        ("xn--1ug6145pija4k.ws", "xn--1ug6145pija4k.ws"),
        ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "xn--mgba3gch31f060k.com"),
        ("\u0928\u094d\u200d\u0926.com", "xn--j2bd5iu62h.com"),
        ("me.github.io", "me.github.io"),
        (f"{'a' * 63}.com", f"{'a' * 63}.com"),
    ],
)
def test_names_are_normalised(text, name):
    assert normalise_domain(text) == name


@pytest.mark.parametrize("name", ["co.uk", "github.io", "my.invalid", "printer.local", "shop.test", "a.localhost"])
def test_rules_for_new_names_do_not_concern_names_that_exist(name):
    assert normalise_domain(f"{name}.") == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("co.uk", "co.uk is a public suffix"),
        ("xn--80asehdb.xn--p1ai", ""),
        ("pvt.k12.ma.us", "pvt.k12.ma.us is a public suffix"),
        ("shop.test", ".test is reserved"),
        ("mail.corp", ".corp is reserved"),
        ("nas.home.arpa", ".arpa is reserved"),
        ("wiki.internal", ".internal is reserved"),
        ("x.alt", ".alt is reserved"),
        ("router.lan", ".lan is reserved"),
        ("printer.local", ".local is reserved"),
        ("my.invalid", ".invalid is reserved"),
        ("abc.onion", ".onion is reserved"),
        ("github.io", ""),
        ("shop.example", ""),
        ("testing.com", ""),
    ],
)
def test_new_names_that_nobody_can_own_are_refused_with_the_reason(name, reason):
    if not reason:
        check_new_domain(name)
        return
    with pytest.raises(RefusedName, match=reason):
        check_new_domain(name)


@pytest.mark.parametrize(
    ("name", "private"), [("github.io", True), ("eu.org", True), ("me.github.io", False), ("example.com", False)]
)
def test_suffixes_of_companies_are_recognised(name, private):
    assert is_private_suffix(name) == private


@given(NAMES)
@example("example.com")
def test_normalising_a_name_twice_changes_nothing(text):
    try:
        name = normalise_domain(text)
    except ValueError:
        return
    assert normalise_domain(name) == name
    assert name.isascii()
    assert name == name.lower()
    assert len(name) <= 253
    assert len(ancestors(name)) == name.count(".") >= 1


@given(NAMES | st.tuples(NAMES, NAMES).map("@".join) | NAMES.map(lambda local: f"{local}@example.com"))
@example("a@example.com")
def test_normalising_an_address_twice_changes_nothing(text):
    try:
        address = normalise_address(text)
    except ValueError:
        return
    assert normalise_address(address) == address
    assert address.isascii()
    assert address == address.lower()
    assert len(address) <= 318
    assert address.count("@") == 1
    assert normalise_domain(domain_of(address)) == domain_of(address)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Hello@Example.COM", "hello@example.com"),
        (" a+b@example.com ", "a+b@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("a@bücher.de", "a@xn--bcher-kva.de"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
    ],
)
def test_addresses_are_normalised(text, address):
    assert normalise_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "@", "a", "a@", "@example.com", "a@b@example.com", "a b@example.com", "a @example.com", "a@ example.com",
     ".a@example.com", "a.@example.com", "a..b@example.com", '"a b"@example.com', "é@example.com", "\u212a@example.com",
     "*@example.com", f"{'a' * 65}@example.com", "a@localhost", "a@com", "a\x00@example.com", "a,b@example.com"],
)  # fmt: skip
def test_addresses_that_ses_would_refuse_are_refused(text):
    with pytest.raises(ValueError, match="not a"):
        normalise_address(text)


def test_the_ancestors_of_a_name_are_its_parents():
    assert ancestors("a.b.example.com") == ["b.example.com", "example.com", "com"]


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("me.github.io", "github.io"),
        ("co.uk", "co.uk"),
    ],
)
def test_the_registrable_part_of_a_name_is_found(name, registered):
    assert registrable(name) == registered
