"""Wording: counts, lists of names, sizes and dates."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backoffice.text import listed, moment, one_line, plural, shortened, visible


@pytest.mark.parametrize(
    ("count", "noun", "expected"),
    [
        (1, "rule", "1 rule"),
        (0, "rule", "0 rules"),
        (2, "email address", "2 email addresses"),
        (1, "identity", "1 identity"),
        (3, "identity", "3 identities"),
        (2, "key", "2 keys"),
        (12000, "DNS record", "12,000 DNS records"),
    ],
)
def test_a_count_takes_the_plural_of_its_noun(count, noun, expected):
    assert plural(count, noun) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")],
)
def test_a_long_list_of_names_is_cut(names, expected):
    assert listed(names, at_most=2) == expected


def test_more_than_a_thousand_other_names_have_a_separator():
    assert listed([str(number) for number in range(1235)], at_most=1) == "0 and 1,234 more"


def test_long_lists_of_lines_are_cut_and_say_where_the_rest_is():
    assert shortened(["a", "b", "c"], 1, note=": see --json") == ["a", "and 2 more: see --json"]
    assert shortened(["a", "b"], 2) == ["a", "b"]


def test_a_moment_is_shown_in_utc_whatever_its_zone():
    here = datetime(2026, 11, 26, 10, 30, 5, tzinfo=timezone(timedelta(hours=1)))
    assert moment(here) == moment(here.astimezone(UTC)) == "2026-11-26 09:30:05 UTC"


def test_one_line_escapes_what_a_terminal_would_obey():
    assert one_line("emails/\x1b[2J\r\nbücher.de/\x10") == "emails/\\x1b[2J\\r\\nbücher.de/\\x10"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Grüße aus 東京", "Grüße aus 東京"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("a\x00b\x1b[31m", "a\\x00b\\x1b[31m"),
        (" two\n lines\u2028and  blanks ", "two lines and blanks"),
    ],
)
def test_what_a_stranger_wrote_is_on_one_line_and_cannot_reverse_it(written, shown):
    assert visible(written) == shown
