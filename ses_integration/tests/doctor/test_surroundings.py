from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_integration.doctor.surroundings import judge_clock, judge_database_clock, judge_endpoints, judge_region

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
        ("eu-west-1 ", "failed"),
        ("EU-WEST-1", "failed"),
        ("eu-west-1a", "failed"),
    ],
)
def test_a_region_is_known_to_receive_or_not_known_or_none(region, outcome):
    assert judge_region(region).outcome == outcome


@pytest.mark.parametrize(
    ("date", "outcome", "seen"),
    [
        ("Sun, 22 Nov 2026 03:00:00 GMT", "ok", "Within 1 s of AWS's."),
        ("Sun, 22 Nov 2026 02:59:01 GMT", "ok", "Within 59 s of AWS's."),
        ("Sun, 22 Nov 2026 02:59:00 GMT", "warning", "This machine is 60 s ahead of AWS."),
        ("Sun, 22 Nov 2026 03:04:59 GMT", "warning", "This machine is 299 s behind AWS."),
        ("Sun, 22 Nov 2026 03:05:00 GMT", "failed", "This machine is 300 s behind AWS."),
        ("Sun, 22 Nov 2026 01:00:00 GMT", "failed", "This machine is 7200 s ahead of AWS."),
        ("yesterday", "skipped", "AWS gave no answer to compare it with."),
    ],
)
def test_this_machine_s_clock_is_compared_with_aws_s(date, outcome, seen):
    finding = judge_clock({"date": date}, NOW)
    assert finding.outcome == outcome
    assert finding.seen.startswith(seen)


def test_without_an_answer_there_is_no_clock_to_compare_with():
    assert judge_clock({}, NOW).outcome == "skipped"


@pytest.mark.parametrize(("seconds", "outcome"), [(0, "ok"), (59, "ok"), (-60, "warning"), (600, "warning")])
def test_the_database_s_clock_is_compared_too(seconds, outcome):
    assert judge_database_clock(NOW + timedelta(seconds=seconds), NOW).outcome == outcome


def test_aws_itself_is_well_and_is_named():
    finding = judge_endpoints(AWS)
    assert finding.outcome == "ok"
    assert finding.seen == (
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
def test_every_endpoint_of_aws_s_is_aws(url):
    assert judge_endpoints({**AWS, "ses": url, "sesv2": url}).outcome == "ok"


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
def test_any_other_host_is_said_plainly(url, seen):
    finding = judge_endpoints(dict.fromkeys(AWS, url))
    assert finding.outcome == "warning"
    assert finding.seen == f"{seen}ses, sesv2, s3, sts at {url}."


@pytest.mark.parametrize("service", ["ses", "sesv2", "s3"])
def test_services_in_different_places_cannot_work_together(service):
    assert judge_endpoints({**AWS, service: "http://127.0.0.1:5599"}).outcome == "failed"


def test_only_sts_elsewhere_is_odd_and_no_failure():
    assert judge_endpoints({**AWS, "sts": "http://127.0.0.1:5599"}).outcome == "warning"


def test_what_may_be_a_password_in_an_endpoint_is_not_shown():
    assert "secret" not in judge_endpoints(dict.fromkeys(AWS, "http://user:secret@127.0.0.1:5599/secret")).seen
