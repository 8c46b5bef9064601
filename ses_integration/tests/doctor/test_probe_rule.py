from __future__ import annotations

import boto3
import pytest

from ses_integration.tests.doctor.fixtures import (
    SES_CALLS,
    calls,
    doctor,
    fault,
    leave_a_probe_rule,
    outcome,
    probe_calls,
    s3_client,
    ses_state,
    stored_keys,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_topic_and_function_are_tried_one_by_one(ready, settings):
    topic = boto3.client("sns", region_name="eu-west-1").create_topic(Name="mail")["TopicArn"]
    settings.SES_TOPIC_ARN, settings.LAMBDA_FUNCTION_NAME = topic, "on-mail"
    before = ses_state(ready)
    ready.clear_journal()
    code, found = doctor()
    assert code == 1
    assert found["SES to bucket"]["seen"] == "SES can write to inbound-mail."
    assert found["SES to topic"]["seen"] == f"SES can publish to {topic}."
    assert outcome(found["SES to function"]) == (
        "failed",
        "SES cannot invoke arn:aws:lambda:eu-west-1:123456789012:function:on-mail.",
        "Create the function, or use `aws lambda add-permission` to allow ses.amazonaws.com lambda:InvokeFunction with "
        "AWS:SourceArn like arn:aws:ses:eu-west-1:123456789012:receipt-rule-set/inbound-email-rules:receipt-rule/*.",
    )
    assert probe_calls(ready) == ["CreateReceiptRule", "UpdateReceiptRule", "UpdateReceiptRule", "DeleteReceiptRule"]
    assert ses_state(ready) == before


def test_a_missing_topic_does_not_hide_other_failures(ready, settings):
    settings.SES_TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:mail"
    fault(ready, "CreateReceiptRule", "error", skip=1, code="InvalidS3Configuration")
    code, found = doctor()
    assert code == 1
    assert found["SES to bucket"]["seen"] == "SES cannot write to inbound-mail."
    assert "s3:PutObject on arn:aws:s3:::inbound-mail/emails/*" in found["SES to bucket"]["do"]
    assert found["SES to topic"]["seen"] == "SES cannot publish to arn:aws:sns:us-east-1:123456789012:mail."
    assert "Use a topic in eu-west-1" in found["SES to topic"]["do"]
    # Nothing was created, so there was nothing to delete.
    assert probe_calls(ready) == ["CreateReceiptRule", "CreateReceiptRule"]
    assert found["clean-up"]["outcome"] == "ok"


def test_a_probe_rule_of_a_killed_run_is_removed_first(ready):
    before = ses_state(ready)
    leave_a_probe_rule(ready)
    code, found = doctor()
    assert (code, found["probe rule"]["seen"]) == (
        0,
        "inbound-doctor was left by an interrupted run and is removed first.",
    )
    assert probe_calls(ready) == ["DeleteReceiptRule", "CreateReceiptRule", "DeleteReceiptRule"]
    assert ses_state(ready) == before


@pytest.mark.parametrize("theirs", [{"Enabled": True}, {"Recipients": ["hello@example.com"]}, {"Recipients": []}])
def test_an_active_rule_with_the_probe_rule_s_name_is_left_alone(ready, theirs):
    leave_a_probe_rule(ready, **theirs)
    before = ses_state(ready)
    code, found = doctor()
    assert code == 1
    assert found["probe rule"]["seen"] == "There is a rule inbound-doctor that ses_doctor did not create."
    assert found["SES to bucket"]["outcome"] == "skipped"
    assert probe_calls(ready) == []
    assert ses_state(ready) == before


@pytest.mark.parametrize("kind", ["throttle", "fail", "dropped", "lost"])
def test_a_failed_removal_is_retried(ready, kind):
    before = ses_state(ready)
    fault(ready, "DeleteReceiptRule", kind, skip=1)
    code, found = doctor()
    assert (code, found["clean-up"]["outcome"]) == (0, "ok")
    assert ses_state(ready) == before


def test_a_removal_that_keeps_failing_is_reported_and_done_by_the_next_run(ready):
    before = ses_state(ready)
    fault(ready, "DeleteReceiptRule", "fail", skip=1, times=None)
    code, found = doctor()
    assert code == 1
    assert outcome(found["clean-up"]) == (
        "failed",
        "inbound-doctor could not be removed. It is disabled and receives nothing.",
        "Run ses_doctor again: it removes the rule first.",
    )
    assert ses_state(ready) != before
    ready.clear_faults()
    doctor()
    assert ses_state(ready) == before


@pytest.mark.parametrize("kind", ["lost", "dropped", "fail"])
def test_a_creation_without_an_answer_is_undone_and_reported(ready, settings, kind):
    settings.SES_CALL_SETTLE_SECONDS = 900
    settings.SES_TOPIC_ARN = boto3.client("sns", region_name="eu-west-1").create_topic(Name="mail")["TopicArn"]
    before = ses_state(ready)
    fault(ready, "CreateReceiptRule", kind, skip=1)
    code, found = doctor()
    assert code == 1
    assert found["SES to bucket"]["outcome"] == "failed"
    assert found["SES to topic"]["outcome"] == "ok"
    assert outcome(found["clean-up"]) == (
        "warning",
        "AWS gave no answer to a call that creates inbound-doctor; it may still be applied.",
        "Run ses_doctor again after 15 minutes: it removes the rule first.",
    )
    assert ses_state(ready) == before


def test_a_probe_rule_of_another_doctor_is_left_alone(ready):
    fault(ready, "CreateReceiptRule", "error", skip=1, code="AlreadyExists")
    code, found = doctor()
    assert (code, found["SES to bucket"]["seen"]) == (0, "Not proven: another ses_doctor is running.")
    assert probe_calls(ready) == ["CreateReceiptRule"]


def test_without_the_probe_nothing_is_written(ready, settings):
    settings.SES_TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:mail"
    s3_client().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    ready.clear_journal()
    code, found = doctor("--no-probe")
    assert code == 0
    assert {check for check, result in found.items() if result["outcome"] == "skipped"} == {
        "s3:DeleteObject",
        "SES to bucket",
        "SES to topic",
    }
    assert outcome(found["SES to topic"])[1:] == ("Skipped on request.", "Run ses_doctor without --no-probe.")
    assert calls(ready, "ses", "sesv2") == SES_CALLS
    assert "DeleteObject" not in calls(ready, "s3")


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_in_a_versioned_bucket_every_version_of_the_test_object_is_erased(ready, status):
    s3_client().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    # SES writes this when it tests the bucket; the emulator does not.
    key = "emails/doctor.inbound.example.com/doctor/AMAZON_SES_SETUP_NOTIFICATION"
    s3_client().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    s3_client().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    s3_client().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": status})
    code, found = doctor()
    assert code == 0
    assert found["bucket versioning"]["seen"] == f"{status}; erasing removes every version."
    assert found["s3:DeleteObject"]["outcome"] == "ok"
    assert stored_keys() == ["emails/example.com/indm_1/mail"]


def test_test_objects_that_could_not_be_erased_are_reported(ready):
    key = "emails/doctor.inbound.example.com/doctor/old"
    s3_client().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    fault(ready, "DeleteObjects", "access_denied", service="s3", skip=1)
    code, found = doctor()
    assert code == 0
    assert "Test objects may be left in emails/doctor.inbound.example.com/doctor/." in found["clean-up"]["seen"]
    assert doctor()[1]["clean-up"]["outcome"] == "ok"
    assert key not in stored_keys()
