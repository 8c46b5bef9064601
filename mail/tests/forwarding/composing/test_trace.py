"""The trace of a mail through our forwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.forwarding.trace import MOST_HOPS, OLDEST, Trace, read_trace

pytestmark = pytest.mark.sqlite_only

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


def after(*recipients: str, value: str = "", at: datetime = NOW) -> str:
    for recipient in recipients:
        value = read_trace(value.encode(), at).after(recipient)
    return value


def read(value: str, at: datetime = NOW) -> Trace:
    return read_trace(value.encode(), at)


def test_a_mail_knows_where_it_has_been():
    trace = read(after("a@example.com", "b@example.org"))

    assert [trace.has_been_at(one) for one in ("a@example.com", "b@example.org", "c@example.com")] == [
        True,
        True,
        False,
    ]


def test_five_forwards_are_enough():
    recipients = [f"{number}@example.com" for number in range(MOST_HOPS)]

    assert not read(after(*recipients[:-1])).is_too_long
    assert read(after(*recipients)).is_too_long


def test_a_trace_fits_into_a_line_and_survives_folding():
    value = after(*(f"{number}@example.com" for number in range(MOST_HOPS)))

    assert len(value) < 80
    assert read(value.replace(".", ".\r\n ")).is_too_long


def test_a_trace_of_another_key_counts_for_nothing_and_is_kept_for_its_owner(settings):
    ours = after("a@example.com")
    settings.SECRET_KEY = "another installation's"
    theirs = after("a@example.com", value=ours)

    assert not read(ours).has_been_at("a@example.com")
    assert read(theirs).has_been_at("a@example.com")
    settings.SECRET_KEY = "another one again"
    assert ours in read(after("b@example.com", value=theirs)).others


def test_a_rotated_key_still_ends_loops(settings):
    value = after("a@example.com")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]

    assert read(value).has_been_at("a@example.com")
    assert read(after("b@example.com", value=value)).has_been_at("a@example.com")


def test_an_old_trace_that_somebody_has_copied_counts_for_nothing():
    value = after("a@example.com")

    assert read(value, NOW + OLDEST).has_been_at("a@example.com")
    assert not read(value, NOW + OLDEST + timedelta(seconds=1)).has_been_at("a@example.com")


def test_a_changed_trace_counts_for_nothing():
    value = after("a@example.com")
    since, visits, digest = value.split(".")

    for forged in (f"{int(since) - 1}.{visits}.{digest}", f"{since}.{visits}{visits}.{digest}", f"{since}..{digest}"):
        assert read(forged).visits == ()


def test_a_flood_of_entries_does_not_push_ours_out():
    flood = ",".join(f"1784102400.aaaaaaaa.{number:022d}" for number in range(20))

    value = after("b@example.com", value=f"{after('a@example.com')},{flood}")

    assert read(value).has_been_at("a@example.com")
    assert len(read(value).others) == 8


@given(st.text(max_size=300))
def test_no_text_stops_a_mail(value):
    trace = read_trace(value.encode("utf-8", "replace"), NOW)

    assert not trace.is_too_long
    assert not trace.has_been_at("a@example.com")
    assert read(trace.after("a@example.com")).has_been_at("a@example.com")
