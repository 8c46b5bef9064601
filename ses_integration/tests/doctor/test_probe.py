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
        "Make the function, or with `aws lambda add-permission` let ses.amazonaws.com do lambda:InvokeFunction on it with "
        "AWS:SourceArn like arn:aws:ses:eu-west-1:123456789012:receipt-rule-set/inbound-email-rules:receipt-rule/*.",
    )
    assert probe_calls(ready) == ["CreateReceiptRule", "UpdateReceiptRule", "UpdateReceiptRule", "DeleteReceiptRule"]
    assert ses_state(ready) == before


def test_a_topic_that_is_not_there_hides_nothing_else(ready, settings):
    settings.SES_TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:mail"
    fault(ready, "CreateReceiptRule", "error", skip=1, code="InvalidS3Configuration")
    code, found = doctor()
    assert code == 1
    assert found["SES to bucket"]["seen"] == "SES cannot write to inbound-mail."
    assert "s3:PutObject on arn:aws:s3:::inbound-mail/emails/*" in found["SES to bucket"]["do"]
    assert found["SES to topic"]["seen"] == "SES cannot publish to arn:aws:sns:us-east-1:123456789012:mail."
    assert "Use a topic that is in eu-west-1" in found["SES to topic"]["do"]
    # Nothing was made, so there was nothing to delete.
    assert probe_calls(ready) == ["CreateReceiptRule", "CreateReceiptRule"]
    assert found["clean-up"]["outcome"] == "ok"


def test_a_probe_rule_of_a_killed_run_is_removed_first(ready):
    before = ses_state(ready)
    leave_a_probe_rule(ready)
    code, found = doctor()
    assert (code, found["probe rule"]["seen"]) == (
        0,
        "inbound-doctor was left by a run that was ended, and is removed first.",
    )
    assert probe_calls(ready) == ["DeleteReceiptRule", "CreateReceiptRule", "DeleteReceiptRule"]
    assert ses_state(ready) == before


@pytest.mark.parametrize("theirs", [{"Enabled": True}, {"Recipients": ["hello@example.com"]}, {"Recipients": []}])
def test_a_rule_of_that_name_that_does_something_is_left_alone(ready, theirs):
    leave_a_probe_rule(ready, **theirs)
    before = ses_state(ready)
    code, found = doctor()
    assert code == 1
    assert found["probe rule"]["seen"] == "There is a rule inbound-doctor that ses_doctor did not make."
    assert found["SES to bucket"]["outcome"] == "skipped"
    assert probe_calls(ready) == []
    assert ses_state(ready) == before


@pytest.mark.parametrize("kind", ["throttle", "fail", "dropped", "lost"])
def test_a_removal_that_fails_once_is_tried_again(ready, kind):
    before = ses_state(ready)
    fault(ready, "DeleteReceiptRule", kind, skip=1)
    code, found = doctor()
    assert (code, found["clean-up"]["outcome"]) == (0, "ok")
    assert ses_state(ready) == before


def test_a_removal_that_goes_on_failing_is_told_and_made_up_for_by_the_next_run(ready):
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
def test_a_creation_without_an_answer_is_taken_back_and_told(ready, settings, kind):
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
        "AWS gave no answer to a call that makes inbound-doctor; it may still be applied.",
        "Run ses_doctor again after 15 minutes: it removes the rule first.",
    )
    assert ses_state(ready) == before


def test_another_doctor_s_rule_is_left_to_it(ready):
    fault(ready, "CreateReceiptRule", "error", skip=1, code="AlreadyExists")
    code, found = doctor()
    assert (code, found["SES to bucket"]["seen"]) == (0, "Not proven: another ses_doctor is at work.")
    assert probe_calls(ready) == ["CreateReceiptRule"]


def test_without_a_probe_nothing_of_ours_is_written(ready, settings):
    settings.SES_TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:mail"
    s3_client().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    ready.clear_journal()
    code, found = doctor("--no-probe")
    assert code == 0
    assert {check for check, finding in found.items() if finding["outcome"] == "skipped"} == {
        "s3:DeleteObject",
        "SES to bucket",
        "SES to topic",
    }
    assert outcome(found["SES to topic"])[1:] == ("Left out on request.", "Run ses_doctor without --no-probe.")
    assert calls(ready, "ses", "sesv2") == SES_CALLS
    assert "DeleteObject" not in calls(ready, "s3")


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_where_versions_are_kept_its_own_object_goes_with_every_version(ready, status):
    s3_client().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    # What SES writes when it tries the bucket, which the emulator does not.
    key = "emails/doctor.inbound.example.com/doctor/AMAZON_SES_SETUP_NOTIFICATION"
    s3_client().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    s3_client().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    s3_client().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": status})
    code, found = doctor()
    assert code == 0
    assert found["bucket versioning"]["seen"] == f"{status}; erasing removes every version."
    assert found["s3:DeleteObject"]["outcome"] == "ok"
    assert stored_keys() == ["emails/example.com/indm_1/mail"]


def test_objects_that_could_not_be_erased_are_told(ready):
    key = "emails/doctor.inbound.example.com/doctor/old"
    s3_client().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    fault(ready, "DeleteObjects", "access_denied", service="s3", skip=1)
    code, found = doctor()
    assert code == 0
    assert "Test objects may be left below emails/doctor.inbound.example.com/doctor/." in found["clean-up"]["seen"]
    assert doctor()[1]["clean-up"]["outcome"] == "ok"
    assert key not in stored_keys()
