"""Against a real DNS server on loopback; see test_resolver.py for what it may do instead of answering."""

from __future__ import annotations

import pytest

from domains.dns.leftovers import KEEP_THE_REST, Published, State, look_up
from domains.dns.records import Record, dmarc, records_for

DOMAIN = "example.com"
MAIL_FROM = f"mail.{DOMAIN}"
TOKEN = "dG9rZW4tT0YtU0VT="
RECORDS = records_for(DOMAIN, region="eu-west-1", token=TOKEN, dkim_tokens=("aaa", "bbb", "ccc"))
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


@pytest.fixture(autouse=True)
def patient(settings):
    """No question is asked twice on a machine that has other things to do."""
    settings.DNS_TIMEOUT_SECONDS = 30.0


def one(kind: str, name: str) -> Published:
    [it] = [it for it in look_up(RECORDS) if (it.type, it.name) == (kind, name)]
    return it


def seen(kind: str, name: str) -> tuple[State, tuple[str, ...]]:
    it = one(kind, name)
    assert it.why == ""
    return it.state, it.found


def test_all_is_published_as_told(dns):
    dns.publish_records(RECORDS)
    told = [record for record in RECORDS if record != dmarc(DOMAIN)]
    assert [(it.type, it.name, it.value, it.state, it.found, it.why) for it in look_up(RECORDS)] == [
        (record.type, record.name, record.value, State.PUBLISHED, (record.value,), "") for record in told
    ]


def test_each_record_is_told_with_what_it_is_for(dns):
    assert {(it.type, it.name): it.purpose for it in look_up(RECORDS)} == PURPOSES


def test_a_zone_that_is_gone_has_nothing_left(dns):
    assert {(it.state, it.found, it.why, it.hint) for it in look_up(RECORDS)} == {(State.GONE, (), "", "")}


@EACH
def test_each_record_can_be_gone_while_the_others_are_there(dns, kind, name):
    dns.publish_records(RECORDS)
    dns.withdraw(name, kind)
    assert [(it.type, it.name) for it in look_up(RECORDS) if it.state is State.GONE] == [(kind, name)]


@EACH
def test_something_else_in_its_place_is_the_owners_own(dns, kind, name):
    dns.publish_records(RECORDS)
    dns.publish(name, kind, {"MX": "10 mx.example.net", "CNAME": "aaa.dkim.example.net"}.get(kind, "v=spf1 mx -all"))
    assert seen(kind, name) == (State.GONE, ())


@EACH
def test_each_record_is_unknown_when_it_cannot_be_looked_up(dns, kind, name):
    dns.publish_records(RECORDS)
    dns.answers(name, "SERVFAIL")
    assert one(kind, name).state is State.UNKNOWN
    assert {it.state for it in look_up(RECORDS) if it.name != name} == {State.PUBLISHED}


@pytest.mark.parametrize(
    "published",
    [MX, "0 inbound-smtp.eu-west-1.amazonaws.com.", "65535 INBOUND-SMTP.EU-West-1.AmazonAWS.com"],
)
def test_mail_goes_to_ses_at_any_preference_and_in_any_spelling(dns, published):
    dns.publish(DOMAIN, "MX", "5 mx.example.net", published)
    assert seen("MX", DOMAIN) == (State.PUBLISHED, (published.removesuffix("."),))


@pytest.mark.parametrize(
    "published",
    ["10 inbound-smtp.us-east-1.amazonaws.com", "10 inbound-smtp.eu-west-1.amazonaws.com.example.com", "0 ."],
)
def test_mail_that_goes_elsewhere_is_no_leftover(dns, published):
    dns.publish(DOMAIN, "MX", published)
    assert seen("MX", DOMAIN) == (State.GONE, ())


def test_a_dkim_name_may_be_written_in_another_case(dns):
    dns.publish("AAA._domainkey.Example.COM", "CNAME", "AAA.DKIM.AmazonSES.com.")
    assert seen("CNAME", f"aaa._domainkey.{DOMAIN}") == (State.PUBLISHED, ("AAA.DKIM.AmazonSES.com",))


def test_a_dkim_name_that_leads_to_another_token_is_no_leftover(dns):
    dns.publish(f"aaa._domainkey.{DOMAIN}", "CNAME", "bbb.dkim.amazonses.com")
    assert seen("CNAME", f"aaa._domainkey.{DOMAIN}") == (State.GONE, ())


def test_a_verification_of_another_account_stays(dns):
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
def test_an_spf_record_that_includes_ses_is_shown_whole(dns, name, text):
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
def test_a_text_that_does_not_include_ses_is_no_leftover(dns, name, text):
    dns.publish(name, "TXT", text)
    assert seen("TXT", name) == (State.GONE, ())


@pytest.mark.parametrize("text", [SPF, "v=spf1 mx include:amazonses.com -all"])
def test_of_the_domains_own_spf_record_only_the_include_should_go(dns, text):
    dns.publish_records(RECORDS)
    dns.publish(DOMAIN, "TXT", text)
    assert {(it.type, it.name): it.hint for it in look_up(RECORDS) if it.hint} == {("TXT", DOMAIN): KEEP_THE_REST}


def test_an_spf_record_below_mail_from_that_says_more_than_was_told_is_somebodys(dns):
    dns.publish(MAIL_FROM, "TXT", "v=spf1 mx include:amazonses.com -all")
    assert one("TXT", MAIL_FROM).hint == KEEP_THE_REST


def test_a_text_that_is_split_into_parts_is_one(dns):
    dns.publish(DOMAIN, "TXT", ("v=spf1 ip4:192.0.2.1 include:amaz", "onses.com", " -all"))
    dns.publish(f"_amazonses.{DOMAIN}", "TXT", (TOKEN[:5], TOKEN[5:]))
    assert seen("TXT", DOMAIN) == (State.PUBLISHED, ("v=spf1 ip4:192.0.2.1 include:amazonses.com -all",))
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.PUBLISHED, (TOKEN,))


def test_texts_that_are_no_ascii_or_no_text_at_all_are_read_over(dns):
    dns.publish(DOMAIN, "TXT", "gehört zu Bücher", b"\xff\xfe\x00", SPF)
    dns.publish(f"_amazonses.{DOMAIN}", "TXT", b"\xff", "")
    assert seen("TXT", DOMAIN) == (State.PUBLISHED, (SPF,))
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.GONE, ())


@pytest.mark.parametrize("followed", [True, False], ids=["by the server", "by us"])
def test_a_cname_in_the_way_is_followed(dns, followed):
    dns.follows_cnames = followed
    dns.publish(f"_amazonses.{DOMAIN}", "CNAME", "tokens.example.net")
    dns.publish("tokens.example.net", "CNAME", "all.example.net")
    dns.publish("all.example.net", "TXT", TOKEN)
    dns.publish(MAIL_FROM, "CNAME", "out.example.net")
    dns.publish("out.example.net", "MX", "10 feedback-smtp.eu-west-1.amazonses.com")
    assert seen("TXT", f"_amazonses.{DOMAIN}") == (State.PUBLISHED, (TOKEN,))
    assert seen("MX", MAIL_FROM) == (State.PUBLISHED, ("10 feedback-smtp.eu-west-1.amazonses.com",))
    assert seen("TXT", MAIL_FROM) == (State.GONE, ())


def test_a_cname_to_nowhere_has_nothing_behind_it(dns):
    dns.publish(MAIL_FROM, "CNAME", "nowhere.example.net")
    assert seen("TXT", MAIL_FROM) == (State.GONE, ())


def test_a_dkim_name_is_published_although_ses_has_dropped_its_target(dns):
    dns.publish(f"aaa._domainkey.{DOMAIN}", "CNAME", "aaa.dkim.amazonses.com")
    assert seen("CNAME", f"aaa._domainkey.{DOMAIN}")[0] is State.PUBLISHED


def test_a_domain_that_begins_like_the_name_of_another_record_is_told_apart(dns):
    records = records_for(MAIL_FROM, region="eu-west-1")
    dns.publish_records(records)
    assert [(it.type, it.name, it.purpose) for it in look_up(records)] == [
        ("MX", MAIL_FROM, "mail is sent to SES"),
        ("TXT", MAIL_FROM, "SPF include"),
        ("MX", f"mail.{MAIL_FROM}", "MAIL FROM"),
        ("TXT", f"mail.{MAIL_FROM}", "MAIL FROM"),
    ]


def test_an_internationalised_name_is_looked_up_as_it_is_stored(dns):
    record = Record("MX", "xn--bcher-kva.example", MX, "")
    dns.publish("xn--bcher-kva.example", "MX", MX)
    assert [it.state for it in look_up([record])] == [State.PUBLISHED]


def test_a_name_that_is_too_long_for_dns_cannot_be_published(dns):
    long = ".".join(["a" * 62] * 4)
    states = [it.state for it in look_up(records_for(long, region="eu-west-1", token=TOKEN))]
    assert states == [State.GONE] * 5
    assert {name for name, *_ in dns.asked} == {long}


@pytest.mark.parametrize("name", ["a..example.com", "*\\999.example.com", "-\u2100\u0378.example.com"])
def test_what_is_no_name_is_unknown(dns, name):
    [it] = look_up([Record("TXT", name, SPF, "")])
    assert (it.state, it.why) == (State.UNKNOWN, f"{name} is not a name that can be looked up.")


def test_nothing_to_look_for_asks_nobody(dns):
    assert look_up([]) == look_up([dmarc(DOMAIN)]) == []
    assert dns.asked == []


def test_each_question_is_asked_once(dns):
    look_up([*RECORDS, *RECORDS])
    assert sorted(dns.asked) == sorted((name, kind, "UDP") for kind, name in PURPOSES)
