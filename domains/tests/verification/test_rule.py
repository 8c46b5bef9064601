"""The verification rule, in all its cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.dns.records import records_for
from domains.dns.verdict import CheckedRecord, State
from domains.verification.rule import PATIENCE, WINDOW, Seen, Verification, after, next_check, seen_of

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PENDING = Verification(
    status="pending",
    status_reason="",
    unverified_since=NOW - timedelta(hours=1),
    checking_since=NOW - timedelta(hours=1),
    verified_at=None,
    missing_since=None,
    can_receive_emails=True,
    has_mx_records=False,
)
VERIFIED = replace(PENDING, status="verified", unverified_since=None, verified_at=NOW - timedelta(days=9))
RECORDS = records_for(
    "example.com", region="eu-west-1", token="token", dkim_tokens=("a", "b", "c"), mail_from="mail.example.com"
)
MINUTE = timedelta(minutes=1)
statuses = st.sampled_from(["Success", "Pending", "Failed", "NotStarted", "TemporaryFailure", "NotFound", ""])


def verdicts(**states):
    """Verdicts on all records: verified, but for the kinds that are named."""
    return [CheckedRecord(record, State(states.get(record.kind.value, "verified"))) for record in RECORDS]


def test_success_verifies():
    now = after(PENDING, Seen("Success"), NOW)
    assert (now.status, now.status_reason, now.unverified_since, now.verified_at) == ("verified", "", None, NOW)


@pytest.mark.parametrize(
    ("ses_status", "status", "reason"),
    [
        ("Success", "verified", ""),
        ("TemporaryFailure", "verified", ""),
        ("", "verified", ""),
        ("Pending", "pending", "SES has not found the DNS records yet"),
        ("NotStarted", "pending", "SES has not found the DNS records yet"),
        ("NotFound", "pending", "SES does not have the identity"),
        ("Failed", "failed", "SES has not found the DNS records within 72 hours"),
    ],
)
def test_only_what_ses_knows_takes_the_verification_away(ses_status, status, reason):
    now = after(VERIFIED, Seen(ses_status, mx="verified"), NOW)
    assert now.status == status
    assert now.status_reason.startswith(reason)
    assert now.unverified_since == (None if status == "verified" else NOW)
    assert now.verified_at == VERIFIED.verified_at
    assert now.can_receive_emails == (status == "verified")
    assert now.checking_since == (VERIFIED.checking_since if status == "verified" else NOW)


@pytest.mark.parametrize("ses_status", ["TemporaryFailure", ""])
@pytest.mark.parametrize("status", ["pending", "failed"])
def test_no_news_from_ses_changes_nothing(ses_status, status):
    before = replace(PENDING, status=status, status_reason="Why.")
    now = after(before, Seen(ses_status), NOW)
    assert (now.status, now.status_reason) == (status, "Why.")


def test_a_missing_record_takes_the_verification_away_after_days():
    missing = Seen("Success", required=False, missing="MX example.com", mx="missing")
    first = after(VERIFIED, missing, NOW)
    assert (first.status, first.missing_since, first.can_receive_emails) == ("verified", NOW, False)
    almost = after(first, missing, NOW + PATIENCE - MINUTE)
    assert almost.status == "verified"
    late = after(almost, missing, NOW + PATIENCE)
    assert late.status == "pending"
    assert late.status_reason == "Required DNS records have been missing since 2026-11-26 12:00 UTC: MX example.com"
    # SES alone does not bring it back.
    assert after(late, missing, NOW + PATIENCE + MINUTE).status == "pending"
    back = after(late, Seen("Success", required=True, mx="verified"), NOW + PATIENCE + MINUTE)
    assert (back.status, back.missing_since, back.can_receive_emails) == ("verified", None, True)


def test_trouble_with_dns_neither_starts_nor_ends_the_wait():
    unknown = Seen("Success", mx="verified")
    assert after(VERIFIED, unknown, NOW).missing_since is None
    missing = after(VERIFIED, replace(unknown, required=False, mx="missing"), NOW)
    later = after(missing, replace(unknown, mx="missing"), NOW + PATIENCE)
    assert (later.missing_since, later.status) == (NOW, "verified")
    lost = after(later, replace(unknown, required=False, missing="MX example.com", mx="missing"), NOW + PATIENCE)
    assert lost.status == "pending"
    # Nor does it give anything back.
    assert after(lost, replace(unknown, mx="missing"), NOW + PATIENCE).status == "pending"
    # Without SES's word nothing is taken away, however long it takes.
    assert after(missing, replace(unknown, ses_status="TemporaryFailure"), NOW + PATIENCE).status == "verified"


def test_a_domain_that_was_only_added_keeps_what_it_is_said_to_receive():
    assert after(PENDING, Seen("Pending", looked=False), NOW).can_receive_emails is True
    assert after(PENDING, Seen("Pending"), NOW).can_receive_emails is False
    assert after(VERIFIED, Seen("Failed", looked=False), NOW).can_receive_emails is False


def test_the_reason_fits_into_its_column_however_long_the_names_are():
    long = ".".join(["a" * 60] * 4)
    records = records_for(
        long, region="eu-west-1", token="t", dkim_tokens=("a" * 32, "b" * 32), mail_from=f"mail.{long}"
    )
    seen = seen_of("Success", [CheckedRecord(record, State.MISSING) for record in records], "missing")
    lost = after(replace(VERIFIED, missing_since=NOW - PATIENCE), seen, NOW)
    assert lost.status == "pending"
    assert lost.status_reason.endswith(" and 3 more")
    assert len(lost.status_reason) <= 500


def test_a_pending_domain_fails_after_72_hours():
    assert after(PENDING, Seen("Pending"), NOW + WINDOW - timedelta(hours=2)).status == "pending"
    assert after(PENDING, Seen("Pending"), NOW + WINDOW).status == "failed"
    assert after(PENDING, Seen(""), NOW + WINDOW).status == "pending"


@given(statuses, st.booleans() | st.none(), st.sampled_from(["", "verified", "missing", "wrong"]))
def test_a_domain_never_receives_while_it_is_not_verified(ses_status, required, mx):
    for before in (PENDING, VERIFIED, replace(PENDING, status="failed")):
        now = after(before, Seen(ses_status, required=required, mx=mx), NOW)
        assert not now.can_receive_emails or (now.status == "verified" and mx in ("", "verified"))
        assert (now.unverified_since is None) == (now.status == "verified")
        assert bool(now.status_reason) == (now.status != "verified" and (ses_status not in ("", "TemporaryFailure")))
        assert after(now, Seen(ses_status, required=required, mx=mx), NOW) == now


@pytest.mark.parametrize(
    ("states", "required", "missing"),
    [
        ({}, True, ""),
        ({"spf": "missing", "dmarc": "wrong", "mail_from_mx": "missing"}, True, ""),
        ({"ownership": "missing"}, True, "TXT _amazonses.example.com"),
        ({"dkim": "missing"}, True, "CNAME a._domainkey.example.com and 2 more"),
        ({"inbound": "missing"}, False, "MX example.com"),
        ({"inbound": "wrong"}, False, "MX example.com"),
        ({"inbound": "unknown"}, None, ""),
        (
            {"inbound": "unknown", "ownership": "missing", "dkim": "missing"},
            False,
            "TXT _amazonses.example.com and 3 more",
        ),
        ({"ownership": "unknown", "dkim": "missing"}, None, "CNAME a._domainkey"),
        ({"ownership": "missing", "dkim": "unknown"}, None, "TXT _amazonses.example.com"),
    ],
)
def test_what_could_not_be_looked_up_may_be_there(states, required, missing):
    seen = seen_of("Success", verdicts(**states), "verified")
    assert seen.required is required
    assert seen.missing.startswith(missing)


def test_the_mx_record_keeps_its_state_while_dns_cannot_be_asked():
    for state in ("", "verified", "wrong"):
        assert seen_of("Success", verdicts(inbound="unknown"), state).mx == state
        assert seen_of("Success", [], state) == Seen("Success", mx=state, looked=False)


def waits(seen, first=MINUTE):
    """The waits of the worker for a pending domain of which it finds the same each time."""
    now, found = NOW, []
    verification = replace(PENDING, unverified_since=NOW, checking_since=NOW)
    while len(found) < 200:
        verification = after(verification, seen, now)
        due = next_check(now, verification, seen, first)
        if due is None:
            break
        found.append(due - now)
        now = due
    return found


def test_a_pending_domain_is_checked_at_growing_intervals_for_72_hours():
    found = waits(Seen("Pending"))
    assert found[0] == MINUTE
    assert found == sorted(found)
    assert max(found) == timedelta(hours=4)
    assert WINDOW <= sum(found, timedelta()) <= WINDOW + timedelta(hours=4)
    assert len(found) < 80


@pytest.mark.parametrize("ses_status", ["TemporaryFailure", ""])
def test_a_domain_of_which_ses_says_nothing_is_checked_until_it_does(ses_status):
    found = waits(Seen(ses_status))
    assert len(found) == 200
    assert found[-1] == timedelta(hours=4)


def test_a_verified_domain_is_checked_daily_and_so_is_one_that_has_lost_it():
    day, seen = timedelta(days=1), Seen("Success")
    assert next_check(NOW, VERIFIED, seen, MINUTE) == NOW + day
    lost = replace(VERIFIED, status="failed", checking_since=NOW - WINDOW)
    assert next_check(NOW, lost, Seen("Failed"), MINUTE) == NOW + day
    assert next_check(NOW, replace(lost, verified_at=None), Seen("Failed"), MINUTE) is None


def test_a_verified_domain_is_checked_again_soon_after_it_was_verified_or_added():
    assert next_check(NOW, replace(VERIFIED, verified_at=NOW), Seen("Success"), MINUTE) == NOW + MINUTE
    assert next_check(NOW, VERIFIED, Seen("Success", looked=False), MINUTE) == NOW + MINUTE


def test_a_verified_domain_does_not_wait_a_day_if_ses_was_down():
    recent = replace(VERIFIED, checking_since=NOW - timedelta(hours=1))
    assert next_check(NOW, recent, Seen(""), MINUTE) < NOW + timedelta(minutes=10)


def test_records_that_ses_has_not_named_are_not_missing():
    inbound = [CheckedRecord(record, State.MISSING) for record in RECORDS if record.kind.value == "inbound"]
    assert seen_of("Success", inbound, "").required is None


def test_an_identity_with_a_key_of_its_owner_needs_no_other_proof():
    records = records_for("example.com", region="eu-west-1", token="token")
    checked = [CheckedRecord(one, State.VERIFIED if one.type == "MX" else State.MISSING) for one in records]
    assert seen_of("Success", checked, "").required is False
    assert seen_of("Success", checked, "", own_key=True).required is True


def test_a_null_mx_is_no_mx_record():
    checked = [
        replace(one, state=State.WRONG, found=("0 .",)) for one in verdicts() if one.record.kind.value == "inbound"
    ]
    others = [one for one in verdicts() if one.record.kind.value != "inbound"]
    assert seen_of("Success", [*checked, *others], "").has_mx is False
