"""Leftovers of published records, asked from a real DNS server on loopback. test_resolver.py has its failures."""

from __future__ import annotations

import pytest

from domains.dns.leftovers import KEEP_THE_REST, RecordLookup, State, look_up
from domains.dns.records import dmarc, records_for, stored_record
from domains.tests.dns_server import failed

DOMAIN = "example.com"
MAIL_FROM = f"mail.{DOMAIN}"
TOKEN = "dG9rZW4tT0YtU0VT="
RECORDS = records_for(DOMAIN, region="eu-west-1", token=TOKEN, dkim_tokens=("aaa", "bbb", "ccc"), mail_from=MAIL_FROM)
MX = "10 inbound-smtp.eu-west-1.amazonaws.com"
SPF = "v=spf1 include:amazonses.com ~all"
PURPOSES = {
    ("TXT", f"_amazonses.{DOMAIN}"): "SES verification",
    ("MX", DOMAIN): "mail is sent to SES",
    ("TXT", DOMAIN): "SPF include",
    ("MX", MAIL_FROM): "MAIL FROM",
    ("TXT", MAIL_FROM): "MAIL FROM",
    **{("CNAME", f"{token}._domainkey.{DOMAIN}"): "DKIM" for token in ("aaa", "bbb", "ccc")},
}
EACH = pytest.mark.parametrize(("kind", "name"), PURPOSES)


def one(kind: str, name: str) -> RecordLookup:
    [record] = [record for record in look_up(RECORDS) if (record.type, record.name) == (kind, name)]
    return record


def seen(kind: str, name: str) -> tuple[State, tuple[str, ...]]:
    record = one(kind, name)
    assert record.why == ""
    return record.state, record.found


def test_all_records_are_published(dns):
    dns.publish_records(RECORDS)
    told = [record for record in RECORDS if record != dmarc(DOMAIN)]
    assert [
        (record.type, record.name, record.value, record.state, record.found, record.why) for record in look_up(RECORDS)
    ] == [(record.type, record.name, record.value, State.PUBLISHED, (record.value,), "") for record in told]


def test_each_record_has_a_purpose(dns):
    assert {(record.type, record.name): record.purpose for record in look_up(RECORDS)} == PURPOSES


def test_nothing_is_left_of_a_zone_that_does_not_exist(dns):
    assert {(record.state, record.found, record.why, record.hint) for record in look_up(RECORDS)} == {
        (State.GONE, (), "", "")
    }


@EACH
def test_each_record_is_judged_on_its_own(dns, kind, name):
    dns.publish_records(RECORDS)
    dns.withdraw(name, kind)
    assert [(record.type, record.name) for record in look_up(RECORDS) if record.state is State.GONE] == [(kind, name)]


@EACH
def test_a_record_with_another_value_is_not_a_leftover(dns, kind, name):
    dns.publish_records(RECORDS)
    dns.publish(name, kind, {"MX": "10 mx.example.net", "CNAME": "aaa.dkim.example.net"}.get(kind, "v=spf1 mx -all"))
    assert seen(kind, name) == (State.GONE, ())


@EACH
def test_each_record_is_unknown_if_it_cannot_be_looked_up(dns, kind, name):
    dns.publish_records(RECORDS)
    dns.answers(name, "SERVFAIL")
    assert one(kind, name).state is State.UNKNOWN
    assert {record.state for record in look_up(RECORDS) if record.name != name} == {State.PUBLISHED}


@pytest.mark.parametrize(
    "published",
    [MX, "0 inbound-smtp.eu-west-1.amazonaws.com.", "65535 INBOUND-SMTP.EU-West-1.AmazonAWS.com"],
)
def test_preference_and_spelling_of_an_mx_record_do_not_matter(dns, published):
    dns.publish(DOMAIN, "MX", "5 mx.example.net", published)
    assert seen("MX", DOMAIN) == (State.PUBLISHED, (published.removesuffix("."),))


@pytest.mark.parametrize(
    "published",
    ["10 inbound-smtp.us-east-1.amazonaws.com", "10 inbound-smtp.eu-west-1.amazonaws.com.example.com", "0 ."],
)
def test_an_mx_record_for_another_host_is_not_a_leftover(dns, published):
    dns.publish(DOMAIN, "MX", published)
    assert seen("MX", DOMAIN) == (State.GONE, ())


def test_a_dkim_name_may_be_written_in_another_case(dns):
    dns.publish("AAA._domainkey.Example.COM", "CNAME", "AAA.DKIM.AmazonSES.com.")
    assert seen("CNAME", f"aaa._domainkey.{DOMAIN}") == (State.PUBLISHED, ("AAA.DKIM.AmazonSES.com",))


def test_a_dkim_name_is_a_leftover_behind_a_chain_of_aliases(dns):
    dns.load(
        "aaa._domainkey CNAME one\none CNAME two.example.net.\ntwo.example.net. CNAME aaa.dkim.amazonses.com.", DOMAIN
    )
    targets = ("one.example.com", "two.example.net", "aaa.dkim.amazonses.com")
    assert seen("CNAME", f"aaa._domainkey.{DOMAIN}") == (State.PUBLISHED, targets[-1:])


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP", "SERVFAIL"])
def test_leftovers_are_found_by_a_resolver_without_edns(dns, rcode):
    dns.publish_records(RECORDS)
    dns.distorts(".", lambda response: failed(response, rcode) if response.edns >= 0 else response)
    assert {record.state for record in look_up(RECORDS)} == {State.PUBLISHED}


def test_a_dkim_name_with_another_token_is_not_a_leftover(dns):
    dns.publish(f"aaa._domainkey.{DOMAIN}", "CNAME", "bbb.dkim.amazonses.com")
    assert seen("CNAME", f"aaa._domainkey.{DOMAIN}") == (State.GONE, ())


def test_a_verification_record_of_another_account_is_not_a_leftover(dns):
    dns.publish(f"_amazonses.{DOMAIN}", "TXT", "another-token", TOKEN.lower())
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.GONE, ())
    dns.publish(f"_amazonses.{DOMAIN}", "TXT", "another-token", TOKEN)
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.PUBLISHED, (TOKEN,))


@pytest.mark.parametrize(
    "text",
    [
        SPF,
        "v=spf1 ip4:192.0.2.1 include:amazonses.com include:_spf.example.net -all",
        "V=SPF1 Include:AmazonSES.com ?all",
        "v=spf1  +include:amazonses.com -all",
        "v=spf1 ~include:amazonses.com. -all",
        "v=spf1 include:amazonses.com",
    ],
)
@pytest.mark.parametrize("name", [DOMAIN, MAIL_FROM])
def test_an_spf_record_that_includes_ses_is_shown_completely(dns, name, text):
    dns.publish(name, "TXT", "google-site-verification=abc", text, "MS=ms123")
    assert seen("TXT", name) == (State.PUBLISHED, (text,))


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 include:_spf.example.net -all",
        "v=spf1 include:eu.amazonses.com -all",
        "v=spf1 include:amazonses.com.example.net -all",
        "v=spf10 include:amazonses.com -all",
        "a note: include:amazonses.com",
        "v=spf1",
        "",
    ],
)
@pytest.mark.parametrize("name", [DOMAIN, MAIL_FROM])
def test_a_txt_record_that_does_not_include_ses_is_not_a_leftover(dns, name, text):
    dns.publish(name, "TXT", text)
    assert seen("TXT", name) == (State.GONE, ())


@pytest.mark.parametrize("text", [SPF, "v=spf1 mx include:amazonses.com -all"])
def test_only_the_include_of_the_domains_own_spf_record_should_be_removed(dns, text):
    dns.publish_records(RECORDS)
    dns.publish(DOMAIN, "TXT", text)
    assert {(record.type, record.name): record.hint for record in look_up(RECORDS) if record.hint} == {
        ("TXT", DOMAIN): KEEP_THE_REST
    }


def test_only_the_include_of_an_extended_mail_from_spf_record_should_be_removed(dns):
    dns.publish(MAIL_FROM, "TXT", "v=spf1 mx include:amazonses.com -all")
    assert one("TXT", MAIL_FROM).hint == KEEP_THE_REST


def test_the_parts_of_a_txt_record_are_joined(dns):
    dns.publish(DOMAIN, "TXT", ("v=spf1 ip4:192.0.2.1 include:amaz", "onses.com", " -all"))
    dns.publish(f"_amazonses.{DOMAIN}", "TXT", (TOKEN[:5], TOKEN[5:]))
    assert seen("TXT", DOMAIN) == (State.PUBLISHED, ("v=spf1 ip4:192.0.2.1 include:amazonses.com -all",))
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.PUBLISHED, (TOKEN,))


def test_txt_records_that_are_not_ascii_or_not_text_are_ignored(dns):
    dns.publish(DOMAIN, "TXT", "gehört zu Bücher", b"\xff\xfe\x00", SPF)
    dns.publish(f"_amazonses.{DOMAIN}", "TXT", b"\xff", "")
    assert seen("TXT", DOMAIN) == (State.PUBLISHED, (SPF,))
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.GONE, ())


@pytest.mark.parametrize("followed", [True, False], ids=["by the server", "by us"])
def test_a_cname_is_followed(dns, followed):
    dns.follows_cnames = followed
    dns.publish(f"_amazonses.{DOMAIN}", "CNAME", "tokens.example.net")
    dns.publish("tokens.example.net", "CNAME", "all.example.net")
    dns.publish("all.example.net", "TXT", TOKEN)
    dns.publish(MAIL_FROM, "CNAME", "out.example.net")
    dns.publish("out.example.net", "MX", "10 feedback-smtp.eu-west-1.amazonses.com")
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.PUBLISHED, (TOKEN,))
    assert seen("MX", MAIL_FROM) == (State.PUBLISHED, ("10 feedback-smtp.eu-west-1.amazonses.com",))
    assert seen("TXT", MAIL_FROM) == (State.GONE, ())


def test_a_cname_without_a_target_counts_as_gone(dns):
    dns.publish(MAIL_FROM, "CNAME", "nowhere.example.net")
    assert seen("TXT", MAIL_FROM) == (State.GONE, ())


def test_a_dkim_name_is_a_leftover_although_its_target_no_longer_exists(dns):
    dns.publish(f"aaa._domainkey.{DOMAIN}", "CNAME", "aaa.dkim.amazonses.com")
    assert seen("CNAME", f"aaa._domainkey.{DOMAIN}")[0] is State.PUBLISHED


def test_records_of_a_domain_named_like_a_mail_from_domain_are_recognised(dns):
    records = records_for(MAIL_FROM, region="eu-west-1", mail_from=f"mail.{MAIL_FROM}")
    dns.publish_records(records)
    assert [(record.type, record.name, record.purpose) for record in look_up(records)] == [
        ("MX", MAIL_FROM, "mail is sent to SES"),
        ("TXT", MAIL_FROM, "SPF include"),
        ("MX", f"mail.{MAIL_FROM}", "MAIL FROM"),
        ("TXT", f"mail.{MAIL_FROM}", "MAIL FROM"),
    ]


def test_an_internationalised_name_is_looked_up_as_it_is_stored(dns):
    record = stored_record("xn--bcher-kva.example", "MX", "xn--bcher-kva.example", MX)
    dns.publish("xn--bcher-kva.example", "MX", MX)
    assert [record.state for record in look_up([record])] == [State.PUBLISHED]


def test_a_name_that_is_too_long_for_dns_is_gone(dns):
    long = ".".join(["a" * 62] * 4)
    states = [
        record.state for record in look_up(records_for(long, region="eu-west-1", token=TOKEN, mail_from=f"mail.{long}"))
    ]
    assert states == [State.GONE] * 5
    assert {name for name, *_ in dns.asked} == {long}


@pytest.mark.parametrize("name", ["a..example.com", "*\\999.example.com", "-\u2100\u0378.example.com"])
def test_an_invalid_name_is_unknown(dns, name):
    [record] = look_up([stored_record(name, "TXT", name, SPF)])
    assert (record.state, record.why) == (State.UNKNOWN, f"{name} is not a name that can be looked up.")


def test_without_records_nothing_is_asked(dns):
    assert look_up([]) == look_up([dmarc(DOMAIN)]) == []
    assert dns.asked == []


def test_each_question_is_asked_once(dns):
    look_up([*RECORDS, *RECORDS])
    assert sorted(dns.asked) == sorted((name, kind, "UDP") for kind, name in PURPOSES)
