from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.tests.webhooks.forbidden import ADDRESSES, URLS
from endpoints.webhooks.networks import refusal
from endpoints.webhooks.post import post
from endpoints.webhooks.target import HTTPS, PLAIN, Refused, Target, Unresolved, check_url, parse, resolve

pytestmark = pytest.mark.sqlite_only

HOST = "hooks.example.com"
PUBLIC, PUBLIC_6 = "8.8.8.8", "2606:4700::1111"


@pytest.mark.parametrize("url", URLS)
def test_every_form_of_a_forbidden_address_is_refused_when_saving_and_when_sending(url):
    with pytest.raises(Refused) as refused:
        check_url(url)
    answer = post(url, b"", {}, seconds=5)
    assert (answer.refused, answer.status, answer.error) == (True, None, str(refused.value))


def test_a_name_that_leads_to_one_is_refused_even_beside_public_addresses(dns):
    for number, address in enumerate(ADDRESSES):
        host = f"h{number}.example.com"
        dns.publish(host, "A", PUBLIC, *([] if ":" in address else [address]))
        dns.publish(host, "AAAA", PUBLIC_6, *([address] if ":" in address else []))
        with pytest.raises(Refused, match=f"^{host} leads to a refused address: "):
            check_url(f"https://{host}/")
        assert post(f"https://{host}/", b"", {}, seconds=5).refused


def test_a_name_that_changes_after_it_was_saved_is_refused_when_sending(dns):
    dns.publish(HOST, "A", PUBLIC)
    assert check_url(f"https://{HOST}/") == ""
    dns.withdraw(HOST)
    dns.publish(HOST, "A", "169.254.169.254")
    answer = post(f"https://{HOST}/", b"", {}, seconds=5)
    assert (answer.refused, answer.status) == (True, None)


def test_dns_is_asked_once_for_each_request_so_that_no_second_answer_is_used(dns):
    dns.publish(HOST, "A", PUBLIC)
    resolve(f"https://{HOST}/", 5)
    assert sorted(dns.asked) == [(HOST, "A", "UDP"), (HOST, "AAAA", "UDP")]


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://hooks.example.com", HOST, 443, "/", HOST),
        ("HTTPS://Hooks.Example.COM.:443/a/b?c=d#e", HOST, 443, "/a/b?c=d", HOST),
        ("http://hooks.example.com:8080/", HOST, 8080, "/", f"{HOST}:8080"),
        ("http://hooks.example.com:/?q", HOST, 80, "/?q", HOST),
        (
            "https://bücher.example/ä?ö=ü",
            "xn--bcher-kva.example",
            443,
            "/%C3%A4?%C3%B6=%C3%BC",
            "xn--bcher-kva.example",
        ),
        ("https://hooks_1.example.com/%2F", "hooks_1.example.com", 443, "/%2F", "hooks_1.example.com"),
        ("https://receiver/", "receiver", 443, "/", "receiver"),
        ("http://[2606:4700:0::1111]:81/", PUBLIC_6, 81, "/", f"[{PUBLIC_6}]:81"),
    ],
)
def test_a_url_has_one_host_port_and_path(url, host, port, path, authority):
    target = parse(url)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)


def test_addresses_are_those_of_dns_with_ipv4_first(dns):
    dns.publish(HOST, "AAAA", PUBLIC_6)
    dns.publish("www.example.com", "CNAME", f"{HOST}.")
    dns.publish(HOST, "A", PUBLIC)
    assert resolve(f"https://{HOST}/x", 5) == Target("https", HOST, 443, "/x", (PUBLIC, PUBLIC_6))
    assert resolve("https://www.example.com/", 5).addresses == (PUBLIC, PUBLIC_6)
    assert resolve(f"https://{PUBLIC}/", 5).addresses == (PUBLIC,)


def test_a_name_that_cannot_be_resolved_now_is_accepted_with_a_warning(dns):
    assert check_url(f"https://{HOST}/") == f"{HOST} has no address in DNS."
    dns.answers(HOST, "SERVFAIL")
    assert check_url(f"https://{HOST}/") == "The DNS server answered SERVFAIL."
    with pytest.raises(Unresolved, match="SERVFAIL"):
        resolve(f"https://{HOST}/", 5)


def test_plain_http_is_a_warning_or_refused(dns, settings):
    dns.publish(HOST, "A", PUBLIC)
    assert check_url(f"http://{HOST}/") == PLAIN
    settings.WEBHOOK_REQUIRE_HTTPS = True
    assert check_url(f"https://{HOST}/") == ""
    with pytest.raises(Refused, match=HTTPS):
        check_url(f"http://{HOST}/")
    assert post(f"http://{HOST}/", b"", {}, seconds=5).refused


def test_an_allowed_network_may_be_named_in_any_right_form(settings, dns):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    dns.publish(HOST, "A", "127.0.0.5")
    assert resolve(f"http://{HOST}/", 5).addresses == ("127.0.0.5",)
    assert resolve("http://localhost:8000/", 5).addresses == resolve("http://127.0.0.1/", 5).addresses == ("127.0.0.1",)
    with pytest.raises(Refused):
        resolve("http://127.1/", 5)


HOSTS = st.text(st.sampled_from("0123456789abcdefxX.:[]%@-_１。é\\/?# "), max_size=20)  # noqa: RUF001


@given(HOSTS)
def test_a_host_is_refused_or_is_a_name_or_a_public_address(host):
    with suppress(Refused, Unresolved):
        assert all(refusal(address) == "" for address in resolve(f"http://{host}/", 0).addresses)
