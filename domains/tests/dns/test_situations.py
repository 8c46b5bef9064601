"""The verdict on what is published, for each of many DNS situations, asked from a real DNS server on loopback."""

from __future__ import annotations

import pytest

from domains.dns.records import Record, RecordKind, records_for
from domains.dns.verdict import CheckedRecord, State, check
from domains.tests.dns import situations, situations_policies
from domains.tests.dns.situations import TOKEN

TABLES = [
    situations.OWNERSHIP_RECORD,
    situations.INBOUND_MX,
    situations.DKIM_CNAME,
    situations_policies.SPF_RECORD,
    situations_policies.DMARC_RECORD,
    situations_policies.MAIL_FROM,
]
SITUATIONS = {phrase: situation for table in TABLES for phrase, situation in table.items()}


def records_of(domain: str) -> list[Record]:
    return records_for(
        domain, region="eu-west-1", token=TOKEN, dkim_tokens=("aaa", "bbb", "ccc"), mail_from=f"mail.{domain}"
    )


def verdict(domain: str, kind: RecordKind) -> CheckedRecord:
    record = next(record for record in records_of(domain) if record.kind is kind)
    return check([record])[record]


def test_each_situation_has_its_own_phrase():
    assert len(SITUATIONS) == sum(map(len, TABLES))


@pytest.mark.parametrize("phrase", SITUATIONS)
def test_the_verdict_is_what_a_mail_engineer_would_say(dns, phrase):
    kind, zone, state, why, domain = SITUATIONS[phrase]
    dns.load(zone, domain)
    checked = verdict(domain, kind)
    assert (checked.state, why in checked.why, bool(checked.why)) == (state, True, state is not State.VERIFIED), checked
    assert bool(checked.found) >= (state in (State.VERIFIED, State.WRONG))
