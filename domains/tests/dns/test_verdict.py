"""Many records in one check, its time limit, and when mail can be received."""

from __future__ import annotations

import time
from itertools import chain

import pytest

from domains.dns.records import DESCRIPTIONS, Record, RecordKind, kind_of, records_for
from domains.dns.verdict import CheckedRecord, State, check, requirements_met
from domains.tests.dns.situations import DKIM, INBOUND, MISSING, OWNERSHIP, UNKNOWN, VERIFIED, WRONG
from domains.tests.dns.test_situations import records_of

DOMAINS = [f"d{number}.example.com" for number in range(100)]


def states(checked: dict[Record, CheckedRecord]) -> set[State]:
    return {one.state for one in checked.values()}


@pytest.fixture
def nine_hundred(dns) -> list[Record]:
    records = list(chain.from_iterable(map(records_of, DOMAINS)))
    assert len(records) == 900
    dns.publish_records(records)
    return records


def test_all_records_of_a_hundred_domains_are_checked_with_one_question_each(dns, nine_hundred):
    assert states(check(nine_hundred)) == {VERIFIED}
    assert len(dns.asked) == len(set(dns.asked)) == 900


def test_equal_questions_are_asked_once(dns):
    records = records_of("example.com")
    dns.publish_records(records)
    assert list(check([*records, *records])) == records
    assert len(dns.asked) == len(records)


def test_one_silent_resolver_does_not_hold_up_many_records(dns, second, settings, nine_hundred):
    settings.DNS_TIMEOUT_SECONDS = 6.0
    second.publish_records(nine_hundred)
    dns.silent()
    assert states(check(nine_hundred)) == {VERIFIED}


def test_silent_name_servers_of_one_domain_do_not_hold_up_the_others(dns, settings, nine_hundred):
    settings.DNS_TIMEOUT_SECONDS = 3.0
    dead = DOMAINS[0]
    dns.distorts(".", lambda response: None if dead in str(response.question[0].name) else response)
    checked = check(nine_hundred[:180])
    assert {record for record, one in checked.items() if one.state is not VERIFIED} == set(records_of(dead))
    assert states({record: checked[record] for record in records_of(dead)}) == {UNKNOWN}


def test_a_check_ends_at_its_time_limit_if_every_resolver_is_silent(dns, nine_hundred):
    dns.silent()
    begin = time.monotonic()
    checked = check(nine_hundred, seconds=0.5)
    # Asked one after another, they would take much longer.
    assert time.monotonic() - begin < 5
    assert {(one.state, one.why) for one in checked.values()} == {(UNKNOWN, "DNS did not answer within 0.5 s.")}


def test_everything_is_unknown_if_dns_cannot_be_asked(settings, caplog):
    settings.DNS_RESOLVERS = 53
    records = records_of("example.com")
    assert {(one.state, one.why) for one in check(records).values()} == {
        (UNKNOWN, "DNS could not be asked. The log of the server says why.")
    }


def test_nothing_is_checked_without_records(dns):
    assert check([]) == {}


@pytest.mark.parametrize(
    ("inbound", "ownership", "dkim", "met"),
    [
        (VERIFIED, VERIFIED, [VERIFIED] * 3, True),
        (VERIFIED, VERIFIED, [], True),
        (VERIFIED, VERIFIED, [MISSING] * 3, True),
        (VERIFIED, MISSING, [VERIFIED] * 3, True),
        (VERIFIED, None, [VERIFIED] * 3, True),
        (VERIFIED, MISSING, [VERIFIED, VERIFIED, WRONG], False),
        (VERIFIED, UNKNOWN, [VERIFIED, UNKNOWN, VERIFIED], False),
        (VERIFIED, MISSING, [], False),
        (VERIFIED, None, [], False),
        (MISSING, VERIFIED, [VERIFIED] * 3, False),
        (WRONG, VERIFIED, [VERIFIED] * 3, False),
        (UNKNOWN, VERIFIED, [VERIFIED] * 3, False),
        (None, VERIFIED, [VERIFIED] * 3, False),
    ],
)
def test_mail_can_be_received_with_the_mx_and_one_proof_of_ownership(inbound, ownership, dkim, met):
    given = [(INBOUND, inbound), (OWNERSHIP, ownership), *((DKIM, state) for state in dkim)]
    checked = [
        CheckedRecord(Record("TXT", str(number), "value", "", kind), state)
        for number, (kind, state) in enumerate(given)
        if state is not None
    ]
    assert requirements_met(checked) is met


@pytest.mark.parametrize("domain", ["example.com", "mail.example.com", "xn--bcher-kva.example"])
@pytest.mark.parametrize("label", ["mail", "bounces", "a.b"])
def test_stored_records_get_the_kind_that_they_were_made_with(domain, label):
    records = records_for(
        domain, region="eu-west-1", token="t", dkim_tokens=["a", "b", "c"], mail_from=f"{label}.{domain}"
    )
    assert [record.kind for record in records] == [*DESCRIPTIONS, RecordKind.DKIM, RecordKind.DKIM]
    assert [kind_of(domain, record.type, record.name) for record in records] == [record.kind for record in records]


def test_only_ownership_the_inbound_mx_and_dkim_are_required():
    required = {record.kind for record in records_of("example.com") if record.is_required}
    assert required == {OWNERSHIP, INBOUND, DKIM}
