from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_integration.doctor.checks.environment import check_clock, check_endpoints, check_region, compare_database_clock

NOW = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
AWS = {
    "ses": "https://email.eu-west-1.amazonaws.com",
    "sesv2": "https://email.eu-west-1.amazonaws.com",
    "s3": "https://s3.eu-west-1.amazonaws.com",
    "sts": "https://sts.eu-west-1.amazonaws.com",
}


@pytest.mark.parametrize(
    ("region", "outcome"),
    [
        ("eu-west-1", "ok"),
        ("sa-east-1", "ok"),
        ("eu-central-2", "warning"),
        ("moon-west-1", "warning"),
        ("", "failed"),
    ],
)
def test_a_region_is_ok_unknown_or_missing(region, outcome):
    assert check_region(region).outcome == outcome


@pytest.mark.parametrize(
    ("date", "outcome", "seen"),
    [
        ("Sun, 22 Nov 2026 03:00:00 GMT", "ok", "Within 1 s of AWS's."),
        ("Sun, 22 Nov 2026 02:59:01 GMT", "ok", "Within 59 s of AWS's."),
        ("Sun, 22 Nov 2026 02:59:00 GMT", "warning", "This machine is 60 s ahead of AWS."),
        ("Sun, 22 Nov 2026 03:04:59 GMT", "warning", "This machine is 299 s behind AWS."),
        ("Sun, 22 Nov 2026 03:05:00 GMT", "failed", "This machine is 300 s behind AWS."),
        ("Sun, 22 Nov 2026 01:00:00 GMT", "failed", "This machine is 7200 s ahead of AWS."),
        ("yesterday", "skipped", "No response from AWS to compare it with."),
    ],
)
def test_the_clock_is_compared_with_the_date_of_an_aws_response(date, outcome, seen):
    result = check_clock({"date": date}, NOW)
    assert result.outcome == outcome
    assert result.seen.startswith(seen)


def test_without_a_response_the_clock_check_is_skipped():
    assert check_clock({}, NOW).outcome == "skipped"


@pytest.mark.parametrize(("seconds", "outcome"), [(0, "ok"), (59, "ok"), (-60, "warning"), (600, "warning")])
def test_the_database_clock_is_compared_with_this_machine(seconds, outcome):
    assert compare_database_clock(NOW + timedelta(seconds=seconds), NOW).outcome == outcome


def test_endpoints_of_aws_are_ok_and_listed():
    result = check_endpoints(AWS)
    assert result.outcome == "ok"
    assert result.seen == (
        "AWS itself: ses, sesv2 at https://email.eu-west-1.amazonaws.com; s3 at https://s3.eu-west-1.amazonaws.com; "
        "sts at https://sts.eu-west-1.amazonaws.com."
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://email-fips.us-east-1.amazonaws.com",
        "https://email.eu-west-1.api.aws",
        "https://vpce-1-2.email.eu-west-1.vpce.amazonaws.com",
        "https://email.cn-north-1.amazonaws.com.cn",
    ],
)
def test_fips_vpc_and_dual_stack_endpoints_are_aws(url):
    assert check_endpoints({**AWS, "ses": url, "sesv2": url}).outcome == "ok"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("http://127.0.0.1:5599", "Not AWS but an emulator on this machine: "),
        ("http://localhost:5599", "Not AWS but an emulator on this machine: "),
        ("http://[::1]:5599", "Not AWS but an emulator on this machine: "),
        ("http://emulator:5599", "Not AWS but another host: "),
        ("https://amazonaws.com.example.net", "Not AWS but another host: "),
        ("https://notamazonaws.com", "Not AWS but another host: "),
    ],
)
def test_any_other_host_is_a_warning_that_names_it(url, seen):
    result = check_endpoints(dict.fromkeys(AWS, url))
    assert result.outcome == "warning"
    assert result.seen == f"{seen}ses, sesv2, s3, sts at {url}."


@pytest.mark.parametrize("service", ["ses", "sesv2", "s3"])
def test_services_in_different_places_are_a_failure(service):
    assert check_endpoints({**AWS, service: "http://127.0.0.1:5599"}).outcome == "failed"


def test_only_sts_in_another_place_is_a_warning():
    assert check_endpoints({**AWS, "sts": "http://127.0.0.1:5599"}).outcome == "warning"


def test_a_password_in_an_endpoint_is_not_shown():
    assert "secret" not in check_endpoints(dict.fromkeys(AWS, "http://user:secret@127.0.0.1:5599/secret")).seen
