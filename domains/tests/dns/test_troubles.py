"""The verdict on records that are right, and on missing ones, when a resolver or the network does not work as it should."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest
from dns.flags import AA, RA, TC
from dns.message import Message
from dns.name import from_text as name_of
from dns.rcode import NOERROR, NXDOMAIN, Rcode

from domains.dns.records import RecordKind
from domains.dns.verdict import State, check
from domains.tests.dns.situations import DKIM, DMARC, INBOUND, MISSING, OURS, SPF, UNKNOWN, VERIFIED
from domains.tests.dns.test_situations import records_of
from domains.tests.dns_server import Distortion, PublishedDns, failed

NAME = "example.com"
MX = f"@ MX 10 {OURS}."
# For questions that get no answer at all.
SHORT = 0.6
# For questions that are answered at the second try, also on a busy machine.
TWO_TRIES = 3.0


def code(rcode: str) -> Distortion:
    return lambda response: failed(response, rcode)


def only_with_edns(distortion: Distortion) -> Distortion:
    return lambda response: distortion(response) if response.edns >= 0 else response


def without_edns(response: Message) -> Message:
    response.use_edns(False)
    return response


def header_only(response: Message) -> bytes:
    """What servers send that cannot read EDNS: FORMERR without the question."""
    return failed(response, "FORMERR").to_wire()[:4] + bytes(8)


def changed(**values: object) -> Distortion:
    def change(response: Message) -> Message:
        for name, value in values.items():
            setattr(response, name, value)
        return response

    return change


def with_flags(*, add: int = 0, remove: int = 0, rcode: Rcode = NOERROR, empty: bool = False) -> Distortion:
    def change(response: Message) -> Message:
        response.flags = (response.flags | add) & ~remove
        response.set_rcode(rcode)
        response.answer = [] if empty else response.answer
        return response

    return change


def another_question(response: Message) -> Message:
    question = response.question[0].copy()
    question.name = name_of("other.example.com")
    response.question = [question]
    return response


def slow(response: Message) -> Message:
    threading.Event().wait(SHORT / 6)
    return response


def other_case(response: Message) -> Message:
    for rrset in (*response.question, *response.answer):
        rrset.name = name_of(rrset.name.to_text().swapcase())
    return response


class Trouble(NamedTuple):
    distortion: Distortion | None
    state: State
    why: str = ""
    zone: str = MX
    kind: RecordKind = INBOUND
    seconds: float = 30.0
    # Which name is distorted.
    name: str = "."


LAME = "The DNS server refuses recursive queries"
LATE = f"DNS did not answer within {SHORT:g} s."

ONE_RESOLVER = {
    **{
        f"{rcode} to everything": Trouble(code(rcode), UNKNOWN, f"The DNS server answered {rcode}.")
        for rcode in ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NOTAUTH")
    },
    **{
        f"{rcode} to EDNS": Trouble(only_with_edns(code(rcode)), VERIFIED)
        for rcode in ("FORMERR", "NOTIMP", "SERVFAIL", "REFUSED", "BADVERS")
    },
    "FORMERR without a question to EDNS": Trouble(only_with_edns(header_only), VERIFIED),
    "silence to EDNS": Trouble(only_with_edns(lambda _: None), VERIFIED, seconds=TWO_TRIES),
    "answers without EDNS": Trouble(without_edns, VERIFIED),
    "silence": Trouble(lambda _: None, UNKNOWN, LATE, seconds=SHORT),
    "slow answers": Trouble(slow, VERIFIED, seconds=10 * SHORT),
    "garbage": Trouble(lambda _: b"\xff" * 40, UNKNOWN, LATE, seconds=SHORT),
    "an empty datagram": Trouble(lambda _: b"", UNKNOWN, LATE, seconds=SHORT),
    "half of an answer": Trouble(lambda response: response.to_wire()[:-9], UNKNOWN, LATE, seconds=SHORT),
    "answers with another id": Trouble(
        lambda response: changed(id=response.id ^ 1)(response), UNKNOWN, LATE, seconds=SHORT
    ),
    "answers to another question": Trouble(another_question, UNKNOWN, LATE, seconds=SHORT),
    "answers without a question": Trouble(changed(question=[]), UNKNOWN, LATE, seconds=SHORT),
    "the question sent back": Trouble(changed(flags=0), UNKNOWN, LATE, seconds=SHORT),
    "names in another case": Trouble(other_case, VERIFIED),
    "a referral": Trouble(with_flags(remove=RA, empty=True), UNKNOWN, LAME),
    "NXDOMAIN from a server that is not recursive": Trouble(
        with_flags(remove=RA, rcode=NXDOMAIN, empty=True), UNKNOWN, LAME
    ),
    "records from a server that is not recursive": Trouble(with_flags(remove=RA), VERIFIED),
    "NXDOMAIN from an authoritative server": Trouble(
        with_flags(add=AA, remove=RA, rcode=NXDOMAIN, empty=True), MISSING, "No MX record"
    ),
    "no records from an authoritative server": Trouble(with_flags(add=AA, remove=RA, empty=True), MISSING, "No MX"),
    "NXDOMAIN from a recursive server": Trouble(with_flags(rcode=NXDOMAIN, empty=True), MISSING, "No MX record"),
    "no records from a recursive server": Trouble(with_flags(empty=True), MISSING, "No MX record"),
    "NXDOMAIN with a record": Trouble(with_flags(rcode=NXDOMAIN), UNKNOWN, "could not be parsed"),
    "truncated answers over TCP as well": Trouble(with_flags(add=TC), UNKNOWN, "could not be parsed"),
    "NXDOMAIN with a CNAME whose target does not exist": Trouble(
        with_flags(rcode=NXDOMAIN), MISSING, "No MX record", zone="@ CNAME nowhere.example.net."
    ),
    "NXDOMAIN with a DKIM CNAME": Trouble(
        with_flags(rcode=NXDOMAIN), VERIFIED, zone="aaa._domainkey CNAME aaa.dkim.amazonses.com.", kind=DKIM
    ),
    "SERVFAIL behind a DKIM alias": Trouble(
        code("SERVFAIL"),
        UNKNOWN,
        "SERVFAIL",
        zone="aaa._domainkey CNAME alias.example.net.",
        kind=DKIM,
        name="alias.example.net",
    ),
    "SERVFAIL for a key that is published by TXT": Trouble(
        code("SERVFAIL"),
        UNKNOWN,
        "SERVFAIL",
        zone='aaa._domainkey TXT "v=DKIM1; p=MIIB"',
        kind=DKIM,
        name="aaa.dkim.amazonses.com",
    ),
    "SERVFAIL for a record that SPF includes": Trouble(
        code("SERVFAIL"), UNKNOWN, "SERVFAIL", zone='@ TXT "v=spf1 include:x.net -all"', kind=SPF, name="x.net"
    ),
    "SERVFAIL for a sub-domain of the zone only": Trouble(code("SERVFAIL"), VERIFIED, name="mail.example.com"),
}


@pytest.mark.parametrize("phrase", ONE_RESOLVER)
def test_trouble_of_the_only_resolver_is_not_taken_for_a_missing_record(dns, settings, phrase):
    distortion, state, why, zone, kind, seconds, name = ONE_RESOLVER[phrase]
    settings.DNS_TIMEOUT_SECONDS = seconds
    dns.load(zone, NAME)
    dns.distorts(name, distortion)
    record = next(record for record in records_of(NAME) if record.kind is kind)
    checked = check([record])[record]
    assert (checked.state, why in checked.why, bool(checked.why)) == (state, True, state is not VERIFIED), checked


def test_a_sub_domains_dmarc_is_unknown_if_its_parents_cannot_be_looked_up(dns):
    dns.answers("_dmarc.example.com", "SERVFAIL")
    record = next(record for record in records_of("mail.example.com") if record.kind is DMARC)
    checked = check([record])[record]
    assert (checked.state, checked.why) == (UNKNOWN, "The DNS server answered SERVFAIL.")


def refuse(dns: PublishedDns) -> None:
    dns.distorts(".", code("REFUSED"))


TWO_RESOLVERS: dict[str, tuple[Callable[[PublishedDns], object], Callable[[PublishedDns], object], State]] = {
    "the first is silent": (PublishedDns.silent, lambda _: None, VERIFIED),
    "the first does not exist": (PublishedDns.stop, lambda _: None, VERIFIED),
    "the first refuses": (refuse, lambda _: None, VERIFIED),
    "the first is not recursive": (
        lambda dns: dns.distorts(".", with_flags(remove=RA, empty=True)),
        lambda _: None,
        VERIFIED,
    ),
    "the first sends garbage": (lambda dns: dns.distorts(".", lambda _: b"\xff" * 40), lambda _: None, VERIFIED),
    "the second is silent": (lambda _: None, PublishedDns.silent, VERIFIED),
    "both are silent": (PublishedDns.silent, PublishedDns.silent, UNKNOWN),
    "both do not exist": (PublishedDns.stop, PublishedDns.stop, UNKNOWN),
    "one refuses and the other does not exist": (refuse, PublishedDns.stop, UNKNOWN),
}


@pytest.mark.parametrize("phrase", TWO_RESOLVERS)
def test_one_of_two_resolvers_is_enough(dns, second, settings, phrase):
    break_first, break_second, state = TWO_RESOLVERS[phrase]
    settings.DNS_TIMEOUT_SECONDS = TWO_TRIES if state is VERIFIED else SHORT
    for server, break_server in ((dns, break_first), (second, break_second)):
        server.load(MX, NAME)
        break_server(server)
    record = next(record for record in records_of(NAME) if record.kind is INBOUND)
    checked = check([record])[record]
    assert (checked.state, bool(checked.why)) == (state, state is UNKNOWN)


@pytest.mark.parametrize("silence", [True, False], ids=["closes the connection", "refuses the connection"])
def test_an_answer_that_needs_tcp_is_unknown_if_the_server(dns, silence):
    dns.publish(NAME, "TXT", *(f"{number}-{'x' * 200}" for number in range(20)))
    dns.without_tcp(silent=silence)
    record = next(record for record in records_of(NAME) if record.kind is SPF)
    checked = check([record])[record]
    assert (checked.state, checked.why) == (
        UNKNOWN,
        "The DNS server cannot be reached over TCP, which this answer needs.",
    )
