"""The resolver: failures never count as "no record", and nothing exceeds the time limit."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from dns.flags import AA, RA
from dns.rcode import NOERROR, NXDOMAIN
from dns.rrset import from_text

from domains.dns.nameserver import MOST_AT_ONCE, nameserver
from domains.dns.resolver import Answer, Question, ask

NAME = "example.com"
QUESTION = Question(NAME, "TXT")
NOBODY = "127.0.0.1:9"
# Long enough for a busy machine. A passing test never waits for it.
PATIENT = 30.0


def answer(question: Question = QUESTION) -> Answer:
    return ask([question])[question]


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NOTAUTH"])
def test_an_error_code_of_the_server_is_reported(dns, rcode):
    dns.answers(NAME, rcode)
    assert answer() == Answer(why=f"The DNS server answered {rcode}.")


def test_a_silent_server_is_given_up_at_the_time_limit(dns, settings):
    settings.DNS_TIMEOUT_SECONDS = 0.3
    dns.silent()
    begin = time.monotonic()
    answers = ask([Question(f"{n}.{NAME}", "TXT") for n in range(2 * MOST_AT_ONCE)])
    took = time.monotonic() - begin
    assert set(answers.values()) == {Answer(why="DNS did not answer within 0.3 s.")}
    # Asked one after another, they would take much longer.
    assert settings.DNS_TIMEOUT_SECONDS <= took < settings.DNS_TIMEOUT_SECONDS * MOST_AT_ONCE


def test_answers_in_time_count_although_others_are_late(dns, settings):
    settings.DNS_TIMEOUT_SECONDS = 1.0
    dns.publish(NAME, "TXT", "here")
    dns.silent(f"quiet.{NAME}")
    quiet = Question(f"quiet.{NAME}", "TXT")
    assert ask([quiet, QUESTION]) == {QUESTION: Answer(("here",)), quiet: Answer(why="DNS did not answer within 1 s.")}


def test_questions_are_asked_in_parallel(dns):
    """The server answers only after it has received all questions."""
    questions = [Question(f"{n}.{NAME}", "MX") for n in range(MOST_AT_ONCE)]
    missing, all_asked = {question.name for question in questions}, threading.Event()

    def after_all(response):
        missing.discard(response.question[0].name.to_text(omit_final_dot=True))
        if not missing:
            all_asked.set()
        all_asked.wait(PATIENT)
        return response

    dns.distorts(".", after_all)
    assert ask(questions) == dict.fromkeys(questions, Answer())


def test_an_answer_too_large_for_udp_is_fetched_over_tcp(dns):
    texts = {f"{n}-{'x' * 200}" for n in range(20)}
    dns.publish(NAME, "TXT", *texts)
    assert set(answer().values) == texts
    assert dns.asked == [(NAME, "TXT", "UDP"), (NAME, "TXT", "TCP")]


def test_a_closed_port_is_noticed_at_once(settings):
    settings.DNS_RESOLVERS = [NOBODY]
    begin = time.monotonic()
    assert answer() == Answer(why="The DNS server cannot be reached.")
    assert time.monotonic() - begin < PATIENT / 2


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_the_next_resolver_is_asked_when_the_first_one_fails(dns, second, rcode):
    dns.answers(NAME, rcode)
    second.publish(NAME, "TXT", "here")
    assert answer() == Answer(("here",))


def test_the_next_resolver_is_asked_when_the_first_port_is_closed(dns, settings):
    settings.DNS_RESOLVERS = [NOBODY, dns.address]
    dns.publish(NAME, "TXT", "here")
    assert answer() == Answer(("here",))


def test_a_silent_resolver_leaves_time_for_the_next_one(dns, second, settings):
    settings.DNS_TIMEOUT_SECONDS = 2.0
    dns.silent()
    second.publish(NAME, "TXT", "here")
    assert answer() == Answer(("here",))


@pytest.mark.parametrize("rcode", [NOERROR, NXDOMAIN])
def test_a_referral_does_not_mean_that_there_is_no_record(dns, rcode):
    def referral(response):
        response.set_rcode(rcode)
        response.flags &= ~RA
        response.authority.append(from_text("com.", 60, "IN", "NS", "a.gtld-servers.net."))
        return response

    dns.distorts(NAME, referral)
    assert answer() == Answer(why="The DNS server refuses recursive queries. Set DNS_RESOLVERS to a resolver.")


@pytest.mark.parametrize("rcode", [NOERROR, NXDOMAIN])
def test_an_authoritative_server_can_say_that_there_is_no_record(dns, rcode):
    def authority(response):
        response.set_rcode(rcode)
        response.flags = (response.flags & ~RA) | AA
        return response

    dns.distorts(NAME, authority)
    assert answer() == Answer()


def test_a_loop_of_cnames_is_reported(dns):
    dns.follows_cnames = False
    dns.publish(NAME, "CNAME", f"www.{NAME}")
    dns.publish(f"www.{NAME}", "CNAME", NAME)
    assert answer() == Answer(why="The chain of CNAMEs is too long.")


def test_a_contradictory_answer_is_not_used(dns):
    dns.publish(NAME, "TXT", "here")

    def contradiction(response):
        response.set_rcode(NXDOMAIN)
        return response

    dns.distorts(NAME, contradiction)
    assert answer() == Answer(why="The DNS response could not be parsed.")


def test_an_unexpected_response_code_is_not_used(dns):
    dns.answers(NAME, "YXDOMAIN")
    assert answer() == Answer(why="The DNS response could not be parsed.")


def test_control_characters_are_escaped(dns):
    dns.publish(NAME, "TXT", b"nul\x00 esc\x1b[2J tab\t bad\xff", "für Bücher")
    assert set(answer().values) == {"nul\\x00 esc\\x1b[2J tab\\t bad\\xff", "für Bücher"}


def test_a_malformed_answer_is_not_used(dns, settings):
    settings.DNS_TIMEOUT_SECONDS = 0.3
    dns.distorts(NAME, lambda response: response.to_wire()[:15] + b"\xff" * 20)
    assert answer() == Answer(why="DNS did not answer within 0.3 s.")


def test_an_answer_to_another_question_is_not_used(dns, settings):
    settings.DNS_TIMEOUT_SECONDS = 0.3
    dns.publish(NAME, "TXT", "here")

    def foreign(response):
        response.id ^= 1
        return response

    dns.distorts(NAME, foreign)
    assert answer() == Answer(why="DNS did not answer within 0.3 s.")


def test_an_unexpected_exception_is_logged_and_not_raised(settings, caplog):
    settings.DNS_RESOLVERS = 53
    with caplog.at_level(logging.CRITICAL):
        assert answer() == Answer(why="DNS could not be asked. The log of the server says why.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        (" 192.0.2.53:5353 ", ("192.0.2.53", 5353)),
        ("2001:DB8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
        ("fe80::53%eth0", ("fe80::53%eth0", 53)),
    ],
)
def test_a_resolver_is_an_address_and_may_have_a_port(text, expected):
    assert nameserver(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "dns.example.net", "localhost:53", "192.0.2", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.53:²",
        "192.0.2.53:-1", "[2001:db8::53", "[2001:db8::53]53", "[2001:db8::53]:", "https://192.0.2.53/", "192.0.2.53 192.0.2.54",
    ],
)  # fmt: skip
def test_other_texts_are_not_resolvers(text):
    with pytest.raises(ValueError):
        nameserver(text)
