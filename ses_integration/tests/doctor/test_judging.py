from __future__ import annotations

from datetime import timedelta

import pytest

from ses_integration.doctor import judging
from ses_integration.doctor.findings import blocked_by, counted, failed, ok, skipped, warning
from ses_integration.doctor.names import Names
from ses_integration.doctor.reply import Reply
from ses_integration.doctor.targets import judge_left_rule, judge_probe_rule
from ses_integration.emulator.state.validation import is_recipient
from ses_integration.errors import Refused, Unanswered, Unsent

NAMES = Names("inbound", "0123456789abcdef")


def rule_set(*names: str) -> Reply:
    return Reply(body={"Rules": [{"Name": name, "Enabled": True, "Recipients": ["a@example.com"]} for name in names]})


@pytest.mark.parametrize(
    ("rules", "outcome"), [(0, "ok"), (179, "ok"), (180, "warning"), (199, "warning"), (200, "failed")]
)
def test_a_rule_set_fills_up(rules, outcome):
    finding = judging.judge_rule_set("ours", "eu-west-1", [], rule_set(*map(str, range(rules))))
    assert (finding.outcome, f"{rules} of at most 200 rules" in finding.seen) == (outcome, True)


def test_the_last_place_is_never_taken_even_for_a_moment():
    assert judge_probe_rule(rule_set(*map(str, range(198))), NAMES).outcome == "ok"
    assert judge_probe_rule(rule_set(*map(str, range(199))), NAMES).outcome == "skipped"


@pytest.mark.parametrize("error", [Refused("throttled"), Unanswered("no answer"), Unsent("no connection")])
def test_an_unknown_rule_set_is_not_taken_for_an_empty_one(error):
    reply = Reply(error=error)
    assert judge_probe_rule(reply, NAMES).outcome == "skipped"
    assert judging.judge_rule_set("ours", "eu-west-1", [], reply).outcome != "ok"
    assert "None is active" not in judging.judge_active_rule_set("ours", "eu-west-1", [], reply).seen


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(), "ok"),
        (Reply(code="RuleSetDoesNotExist"), "ok"),
        (Reply(code="AccessDenied", error=Refused("denied", attention=True)), "failed"),
        (Reply(code="Throttling", error=Refused("throttled")), "warning"),
        (Reply(code="ValidationError", error=Refused("not valid", attention=True)), "warning"),
        (Reply(code="InternalFailure", error=Unanswered("no answer")), "failed"),
        (Reply(error=Unsent("no connection")), "failed"),
        (Reply(code="NotImplemented"), "warning"),
    ],
)
def test_a_permission_is_proven_denied_or_not_proven(reply, outcome):
    assert judging.judge_permission("ses:X", "*", reply).outcome == outcome


def test_a_key_that_s3_keeps_is_a_refusal_although_the_answer_is_200():
    answered = Reply(body={"Errors": [{"Key": "k", "Code": "AccessDenied"}]})
    denied = judging.with_key_errors(answered)
    assert judging.judge_permission("s3:DeleteObjectVersion", "b", denied).outcome == "failed"
    other = judging.with_key_errors(Reply(body={"Errors": [{"Key": "k", "Code": "InternalError"}]}))
    assert judging.judge_permission("s3:DeleteObjectVersion", "b", other).outcome == "warning"


@pytest.mark.parametrize("body", [{}, {"Errors": [{"Key": "k", "Code": "NoSuchVersion"}]}])
def test_a_version_that_is_not_there_could_have_been_deleted(body):
    assert judging.with_key_errors(Reply(body=body)).done


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({}, "ok"),
        ({"Status": "Enabled"}, "ok"),
        ({"Status": "Suspended", "MFADelete": "Disabled"}, "ok"),
        ({"Status": "Enabled", "MFADelete": "Enabled"}, "failed"),
    ],
)
def test_versions_can_be_erased_unless_they_want_a_second_factor(body, outcome):
    assert judging.judge_versioning(Reply(body=body)).outcome == outcome


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(code="ObjectLockConfigurationNotFoundError"), "ok"),
        (Reply(body={"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}), "warning"),
        (Reply(body={"ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Days": 1}}}}), "failed"),
    ],
)
def test_a_bucket_that_locks_every_object_is_of_no_use(reply, outcome):
    assert judging.judge_object_lock(reply).outcome == outcome


def test_a_bucket_s_name_that_cannot_be_is_told():
    finding = judging.judge_bucket("no good", "eu-west-1", Reply(error=Refused("not valid", attention=True)))
    assert (finding.outcome, finding.seen) == ("failed", "S3_BUCKET_NAME is 'no good', which no bucket can have.")


def test_a_bucket_in_another_region_is_allowed_and_said():
    finding = judging.judge_bucket("b", "eu-west-1", Reply(headers={"x-amz-bucket-region": "us-east-1"}))
    assert (finding.outcome, finding.seen) == ("ok", "b is there, in us-east-1; SES may write across regions.")


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "OptInRequired"])
def test_a_region_that_the_account_has_not_opened_is_told(code):
    finding = judging.judge_ses("af-south-1", Reply(code=code, error=Refused("no", attention=True)))
    assert finding.outcome == "failed"
    assert "opted in to af-south-1" in finding.do


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(), "ok"),
        (Reply(code="AccessDenied", error=Refused("denied", attention=True)), "ok"),
        (Reply(code="Throttling", error=Refused("throttled")), "ok"),
        (Reply(error=Refused("SES is busy with other calls.")), "failed"),
        (Reply(error=Unsent("no connection")), "failed"),
        (Reply(code="InternalFailure", error=Unanswered("no answer")), "failed"),
    ],
)
def test_ses_answers_when_it_refuses_and_not_when_it_was_never_asked(reply, outcome):
    assert judging.judge_ses("eu-west-1", reply).outcome == outcome


def test_a_probe_rule_that_stays_is_a_failure_and_one_in_doubt_a_warning():
    assert judge_left_rule(NAMES, timedelta(minutes=15), Reply(error=Unanswered("no answer"))).outcome == "failed"
    assert "after 15 minutes" in judge_left_rule(NAMES, timedelta(minutes=15), Reply()).do


def test_a_warning_passes_but_proves_nothing():
    found = [ok("a", "."), warning("b", ".", "."), failed("c", ".", "."), skipped("d", ".", ".")]
    assert [blocked_by(found, [check]) for check in "abcd"] == ["", "", "c", "d"]
    assert [blocked_by(found, [], [check]) for check in "abcd"] == ["", "b", "c", "d"]
    assert counted(found) == {"ok": 1, "warning": 1, "failed": 1, "skipped": 1}


def test_the_worst_of_several_findings_of_a_check_counts():
    assert blocked_by([failed("a", ".", "."), ok("a", ".")], ["a"]) == "a"


@pytest.mark.parametrize("prefix", ["a", "a" * 16, "2x"])
def test_the_names_are_what_ses_takes_or_what_nobody_takes(prefix):
    names = Names(prefix, "0123456789abcdef")
    assert is_recipient(names.recipient)
    assert is_recipient(names.no_identity)
    assert not is_recipient(names.bad_identity)
    assert len(names.rule) <= len(names.no_rule_set) <= 64 < len(names.bad_rule_set)
