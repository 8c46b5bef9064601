from __future__ import annotations

from datetime import timedelta

import pytest

from ses_integration.doctor.checks.bucket import check_bucket, check_object_lock, check_versioning
from ses_integration.doctor.checks.permissions import check_permission
from ses_integration.doctor.checks.ses import check_active_rule_set, check_rule_set, check_ses
from ses_integration.doctor.checks.targets import check_cleanup, check_probe_rule
from ses_integration.doctor.names import DoctorNames
from ses_integration.doctor.probes.bucket import with_key_errors
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import count_outcomes, failed, first_unmet, ok, skipped, warning
from ses_integration.emulator.state.validation import is_recipient
from ses_integration.errors import Refused, Unanswered, Unsent

NAMES = DoctorNames("inbound", "0123456789abcdef")


def rule_set(*names: str) -> Response:
    return Response(
        body={"Rules": [{"Name": name, "Enabled": True, "Recipients": ["a@example.com"]} for name in names]}
    )


@pytest.mark.parametrize(
    ("rules", "outcome"), [(0, "ok"), (179, "ok"), (180, "warning"), (199, "warning"), (200, "failed")]
)
def test_a_rule_set_that_is_nearly_full_is_a_warning_and_a_full_one_a_failure(rules, outcome):
    result = check_rule_set("ours", "eu-west-1", [], rule_set(*map(str, range(rules))))
    assert (result.outcome, f"{rules} of at most 200 rules" in result.seen) == (outcome, True)


def test_the_probe_rule_never_takes_the_last_place_in_a_rule_set():
    assert check_probe_rule(rule_set(*map(str, range(198))), NAMES).outcome == "ok"
    assert check_probe_rule(rule_set(*map(str, range(199))), NAMES).outcome == "skipped"


@pytest.mark.parametrize("error", [Refused("throttled"), Unanswered("no answer"), Unsent("no connection")])
def test_a_rule_set_that_could_not_be_read_is_not_treated_as_empty(error):
    response = Response(error=error)
    assert check_probe_rule(response, NAMES).outcome == "skipped"
    assert check_rule_set("ours", "eu-west-1", [], response).outcome != "ok"
    assert "None is active" not in check_active_rule_set("ours", "eu-west-1", [], response).seen


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(), "ok"),
        (Response(code="RuleSetDoesNotExist"), "ok"),
        (Response(code="AccessDenied", error=Refused("denied", needs_attention=True)), "failed"),
        (Response(code="Throttling", error=Refused("throttled")), "warning"),
        (Response(code="ValidationError", error=Refused("not valid", needs_attention=True)), "warning"),
        (Response(code="InternalFailure", error=Unanswered("no answer")), "failed"),
        (Response(error=Unsent("no connection")), "failed"),
        (Response(code="NotImplemented"), "warning"),
    ],
)
def test_a_response_proves_denies_or_does_not_prove_a_permission(response, outcome):
    assert check_permission("ses:X", "*", response).outcome == outcome


def test_an_error_inside_a_successful_delete_objects_response_is_a_failure():
    with_errors = Response(body={"Errors": [{"Key": "k", "Code": "AccessDenied"}]})
    denied = with_key_errors(with_errors)
    assert check_permission("s3:DeleteObjectVersion", "b", denied).outcome == "failed"
    other = with_key_errors(Response(body={"Errors": [{"Key": "k", "Code": "InternalError"}]}))
    assert check_permission("s3:DeleteObjectVersion", "b", other).outcome == "warning"


@pytest.mark.parametrize("body", [{}, {"Errors": [{"Key": "k", "Code": "NoSuchVersion"}]}])
def test_deleting_a_version_that_does_not_exist_is_a_success(body):
    assert with_key_errors(Response(body=body)).succeeded


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({}, "ok"),
        ({"Status": "Enabled"}, "ok"),
        ({"Status": "Suspended", "MFADelete": "Disabled"}, "ok"),
        ({"Status": "Enabled", "MFADelete": "Enabled"}, "failed"),
    ],
)
def test_versions_can_be_erased_unless_mfa_delete_is_on(body, outcome):
    assert check_versioning(Response(body=body)).outcome == outcome


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(code="ObjectLockConfigurationNotFoundError"), "ok"),
        (Response(body={"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}), "warning"),
        (Response(body={"ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Days": 1}}}}), "failed"),
    ],
)
def test_a_default_object_lock_is_a_failure(response, outcome):
    assert check_object_lock(response).outcome == outcome


def test_an_invalid_bucket_name_is_a_failure():
    result = check_bucket("no good", "eu-west-1", Response(error=Refused("not valid", needs_attention=True)))
    assert (result.outcome, result.seen) == ("failed", "S3_BUCKET_NAME is 'no good', which is not a valid bucket name.")


def test_a_bucket_in_another_region_is_allowed_and_its_region_named():
    result = check_bucket("b", "eu-west-1", Response(headers={"x-amz-bucket-region": "us-east-1"}))
    assert (result.outcome, result.seen) == ("ok", "b exists, in us-east-1; SES may write across regions.")


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "OptInRequired"])
def test_a_region_that_the_account_has_not_opted_in_to_is_named(code):
    result = check_ses("af-south-1", Response(code=code, error=Refused("no", needs_attention=True)))
    assert result.outcome == "failed"
    assert "opted in to af-south-1" in result.do


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(), "ok"),
        (Response(code="AccessDenied", error=Refused("denied", needs_attention=True)), "ok"),
        (Response(code="Throttling", error=Refused("throttled")), "ok"),
        (Response(error=Refused("SES is busy with other calls.")), "failed"),
        (Response(error=Unsent("no connection")), "failed"),
        (Response(code="InternalFailure", error=Unanswered("no answer")), "failed"),
    ],
)
def test_an_error_from_ses_is_an_answer_and_a_call_that_was_never_sent_is_not(response, outcome):
    assert check_ses("eu-west-1", response).outcome == outcome


def test_a_probe_rule_left_behind_is_a_failure_and_an_unconfirmed_one_a_warning():
    assert check_cleanup(NAMES, timedelta(minutes=15), Response(error=Unanswered("no answer"))).outcome == "failed"
    assert "after 15 minutes" in check_cleanup(NAMES, timedelta(minutes=15), Response()).do


def test_a_warning_satisfies_a_requirement_but_proves_nothing():
    results = [ok("a", "."), warning("b", ".", "."), failed("c", ".", "."), skipped("d", ".", ".")]
    assert [first_unmet(results, [check]) for check in "abcd"] == ["", "", "c", "d"]
    assert [first_unmet(results, [], [check]) for check in "abcd"] == ["", "b", "c", "d"]
    assert count_outcomes(results) == {"ok": 1, "warning": 1, "failed": 1, "skipped": 1}


def test_the_worst_of_several_results_of_a_check_counts():
    assert first_unmet([failed("a", ".", "."), ok("a", ".")], ["a"]) == "a"


@pytest.mark.parametrize("prefix", ["a", "a" * 16, "2x"])
def test_names_of_probes_are_either_valid_or_always_refused(prefix):
    names = DoctorNames(prefix, "0123456789abcdef")
    assert is_recipient(names.recipient)
    assert is_recipient(names.no_identity)
    assert not is_recipient(names.bad_identity)
    assert len(names.rule) <= len(names.no_rule_set) <= 64 < len(names.bad_rule_set)
