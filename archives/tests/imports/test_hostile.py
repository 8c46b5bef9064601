"""`import_domain`: archives that somebody has made on purpose, with right hashes"""

from __future__ import annotations

import contextlib
import io
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archives.format.names import ADDRESSES, BLOCKED, DOMAIN, ENDPOINTS
from archives.imports import configure
from archives.imports.service import prepare
from archives.tests.format.reading.making import Making
from archives.tests.imports.rows import everything
from archives.tests.imports.test_mail import numbered
from domains.models import Domain
from domains.tests.dns_server import dns_fixture  # noqa: F401
from endpoints.models import Endpoint
from mail.models import ReceivedEmail

pytestmark = pytest.mark.usefixtures("ses")

Change = Callable[[Making], Any]


def row(name: str, **members: Any) -> Change:
    return lambda making: making.rows[name][0].update(members)


def rows(name: str, number: int, **members: Any) -> Change:
    def change(making: Making) -> None:
        first = making.rows[name][0]
        making.rows[name] = [first | {"id": f"x{one}"} | members for one in range(number)]

    return change


def domain(**members: Any) -> Change:
    return lambda making: making.domain.update(members)


def mail(**members: Any) -> Change:
    return lambda making: setattr(making, "mail", lambda values: values | members)


def email(number: int = 1, **members: Any) -> Change:
    return lambda making: setattr(
        making, "mail", lambda values: values | {"emails": [values["emails"][0] | members] * number}
    )


def raw(name: str, old: bytes, new: bytes) -> Change:
    return lambda making: setattr(
        making, "file", lambda file, whole: whole.replace(old, new) if file == name else whole
    )


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


REFUSED: dict[str, tuple[Change, str]] = {
    "NUL": (raw(ENDPOINTS, b"CRM", b"C\\u0000M"), "not JSON as inbound writes it"),
    "NUL in the name of a member": (raw(ENDPOINTS, b'"url"', b'"u\\u0000rl"'), "not JSON as inbound writes it"),
    "a lone surrogate": (raw(BLOCKED, b'"b1"', b'"\\udc00"'), "not JSON as inbound writes it"),
    "half of a surrogate pair in UTF-8": (raw(ENDPOINTS, b"CRM", b"\xed\xa0\x80"), "not JSON as inbound writes it"),
    "a number of 5000 digits": (raw(DOMAIN, b'"indm_1"', b"9" * 5000), "not JSON as inbound writes it"),
    "the year 1": (mail(arrivedAt="0001-01-01T00:00:00Z"), "no arrivedAt that can be read"),
    "the year 9999": (mail(arrivedAt="9999-12-31T23:59:59Z"), "no arrivedAt that can be read"),
    "read in the year 9999": (email(readAt="9999-12-31T23:59:59Z"), "no emails that can be read"),
    "no month 13": (domain(createdAt="2026-13-01T00:00:00Z"), "no createdAt that can be read"),
    "time without a zone": (mail(arrivedAt="2026-01-01T00:00:00"), "no arrivedAt that can be read"),
    "a size beyond 64 bits": (mail(bytes=2**64), "no bytes that can be read"),
    "a size below zero": (mail(bytes=-1), "no bytes that can be read"),
    "a thousand and one recipients": (email(1001), "no emails that can be read"),
    "an address that looks like one of the domain": (row(ADDRESSES, address="hello@examp\u04cfe.com"), "no address"),
    "an invisible letter": (row(ADDRESSES, address="hel\u200blo@example.com"), "no address that can be read"),
    "two addresses in one": (row(ADDRESSES, address="a@example.net,hello@example.com"), "no address that can be read"),
    "a line break": (row(ADDRESSES, address="hello\r\nBcc: x@example.com"), "no address that can be read"),
    "a subdomain": (row(ADDRESSES, address="hello@sub.example.com"), "an address of another domain"),
    "a name with a slash": (domain(name="../example.com"), "no domain that can be read"),
    "an id with a slash": (domain(id="../1"), "no domain that can be read"),
    "a large config": (row(ENDPOINTS, config={"url": "x" * 70_000}), "has a config that is too long"),
    "a long secret": (row(ENDPOINTS, secret="x" * 40_000), "has a secret that is too long"),
    "more endpoints than anybody has": (rows(ENDPOINTS, 10_001), "more than 10,000 rows in endpoints.jsonl"),
}  # fmt: skip


@pytest.mark.parametrize("options", [["--with-mail"], ["--dry-run"]], ids=" ".join)
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_a_sentence_and_changes_nothing(name, options, user, ses, given):
    change, sentence = REFUSED[name]
    making = Making()
    change(making)
    before = everything()
    ses.clear_journal()
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("import_domain", given(making.bytes()), "--owner", user.username, *options)
    assert str(refused.value).endswith((".", "again."))
    assert (everything(), ses.journal()) == (before, [])


def test_a_name_that_nobody_may_have_is_refused(user, ses, given):
    making = Making(rows={name: [] for name in Making().rows})
    making.domain["name"] = "co.uk"
    before = everything()
    ses.clear_journal()
    with pytest.raises(CommandError, match=r"co\.uk is"):
        call_command("import_domain", given(making.bytes()), "--owner", user.username)
    assert (everything(), ses.journal()) == (before, [])


UNUSABLE: dict[str, dict[str, Any]] = {
    "this machine": {"config": {"url": "https://127.0.0.1/"}},
    "the cloud's metadata": {"config": {"url": "http://169.254.169.254/latest/"}},
    "this machine, in IPv6": {"config": {"url": "https://[::ffff:7f00:1]/"}},
    "another scheme": {"config": {"url": "file:///etc/passwd"}},
    "deep nesting": {"config": {"url": "https://example.net/", "x": nested(300)}},
    "an infinite number": {"config": {"url": "https://example.net/", "timeout": float("inf")}},
    "a header in a header": {"config": {"url": "https://example.net/", "headers": {"A": "b\r\nHost: c"}}},
    "no address": {"type": "email", "config": {"forwardTo": "a@example.net, b@example.net"}},
    "a group of objects": {"type": "email_group", "config": {"emails": [{"a": 1}]}},
    "nothing": {"config": {}},
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_endpoint_that_must_not_be_used_is_imported_inactive(name, user, given, importing):
    making = Making()
    making.rows[ENDPOINTS][0] |= {"secret": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"} | UNUSABLE[name]
    # As JSON of other programs, which has a number for infinity.
    making.file = lambda file, whole: whole.replace(b"Infinity", b"1e999")
    code, answer = importing(given(making.bytes()), user)
    endpoint = Endpoint.objects.get()
    assert (code, endpoint.is_active) == (2, False)
    assert endpoint.inactive_reason.startswith("Its settings cannot be used: ")
    assert answer["toFillIn"] == [f"Endpoint CRM is inactive. {endpoint.inactive_reason}"]


def test_slow_name_servers_of_many_webhooks_do_not_add_up(user, given, importing, dns, monkeypatch):
    """Those for which no time is left are looked at when they are called."""
    making = Making()
    rows(ENDPOINTS, 2, secret="whsec_c2VjcmV0c2VjcmV0c2VjcmV0")(making)
    hosts = ("crm.example.net", "169.254.169.254")
    for values, host in zip(making.rows[ENDPOINTS], hosts, strict=True):
        values["config"] = {"url": f"https://{host}/"}
    dns.publish("crm.example.net", "A", "10.0.0.1")
    monkeypatch.setattr(configure, "DNS_SECONDS", 0.0)
    importing(given(making.bytes()), user)
    assert dict(Endpoint.objects.values_list("config__url", "is_active")) == {
        "https://crm.example.net/": True,
        "https://169.254.169.254/": False,
    }


@pytest.mark.parametrize("depth", [*range(860, 1000, 10), 5000])
def test_nesting_that_may_end_the_stack_is_no_traceback(depth, user, given):
    making = Making()
    making.file = lambda file, whole: whole.replace(
        b'"https://crm.example.net/"', b'{"a":' * depth + b"1" + b"}" * depth
    )
    with contextlib.suppress(CommandError):
        call_command("import_domain", given(making.bytes()), "--owner", user.username, "--dry-run")
    assert not Domain.objects.exists()


def test_settings_that_the_manifest_denies_are_not_read(user, given, importing):
    making = Making(change=lambda values: values.update(endpointSettings=False))
    making.rows[ENDPOINTS][0] |= {"config": "x", "isActive": "yes", "secret": 7, "description": []}
    importing(given(making.bytes()), user)
    endpoint = Endpoint.objects.get()
    assert (endpoint.config["url"], endpoint.is_active) == ("https://imported.invalid/", False)


@pytest.mark.parametrize(
    "recipient", ["a b@example.com", "a\n@example.com", "x" * 320 + "@example.com", "@example.com"]
)
def test_a_recipient_that_is_no_address_is_not_known(recipient, user, given, importing):
    making = Making(folders=[[b"1"]])
    email(recipient=recipient)(making)
    importing(given(making.bytes()), user, "--with-mail")
    assert list(ReceivedEmail.objects.values_list("recipient", flat=True)) == [""]


def test_members_that_nobody_reads_take_no_memory(user):
    making = Making(mail=numbered())
    rows(ADDRESSES, 200, later="x" * 100_000)(making)
    for number, values in enumerate(making.rows[ADDRESSES]):
        values["address"] = f"a{number}@example.com"
    file = io.BytesIO(making.bytes())
    tracemalloc.start()
    try:
        prepare(file, user)
        assert tracemalloc.get_traced_memory()[1] < 6 * 2**20
    finally:
        tracemalloc.stop()
    assert not Domain.objects.exists()
