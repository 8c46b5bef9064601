from __future__ import annotations

import json
import re
from urllib.request import Request, urlopen

import pytest

from ses_integration.tests.commands.run import run
from ses_integration.tests.doctor.fixtures import PROBE, SES_CALLS, calls, doctor, ses_state, stored_keys

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_healthy_installation_passes_and_nothing_is_left_behind(ready):
    before = ses_state(ready)
    code, found = doctor()
    assert code == 0
    assert {check for check, result in found.items() if result["outcome"] != "ok"} == {"endpoints"}
    assert found["endpoints"]["seen"].startswith("Not AWS but an emulator on this machine: ses, sesv2, s3, sts at http")
    assert ses_state(ready) == before
    assert stored_keys() == ["emails/example.com/indm_1/mail"]


def test_it_makes_exactly_these_calls(ready):
    doctor()
    assert calls(ready, "sts") == ["GetCallerIdentity"]
    assert calls(ready, "ses", "sesv2") == [*SES_CALLS, "CreateReceiptRule", "DeleteReceiptRule"]
    assert calls(ready, "s3") == [
        "HeadBucket",
        "GetBucketVersioning",
        "GetObjectLockConfiguration",
        "ListObjectVersions",
        "DeleteObjects",
        "UploadPart",
        "AbortMultipartUpload",
        "ListMultipartUploads",
        "DeleteObject",
        "ListObjectVersions",
    ]


def test_it_writes_only_to_names_that_nobody_uses_or_that_cannot_exist(ready):
    doctor()
    sent = [
        (entry["action"], re.sub(r"[0-9a-f]{16}", "RANDOM", json.dumps(entry["parameters"], sort_keys=True)))
        for entry in ready.journal()
        if not entry["action"].startswith(("Describe", "List", "Get", "Head"))
    ]
    inert = {"HeaderName": "X-Inbound-Doctor", "HeaderValue": "1"}
    rule = {"Enabled": False, "Name": PROBE, "Recipients": ["nobody@doctor.inbound.example.com"]}
    nowhere, key_prefix = "inbound-doctor-RANDOM", "emails/doctor.inbound.example.com/doctor/"
    nobody, impossible = "RANDOM.doctor.inbound.example.com", "doctor..doctor.inbound.example.com"
    store = {"BucketName": "inbound-mail", "ObjectKeyPrefix": key_prefix}
    test_object = f"{key_prefix}AMAZON_SES_SETUP_NOTIFICATION"
    expected = [
        ("CreateReceiptRule", {"RuleSetName": nowhere, "Rule": {**rule, "Actions": [{"AddHeaderAction": inert}]}}),
        ("UpdateReceiptRule", {"RuleSetName": nowhere, "Rule": {**rule, "Actions": [{"AddHeaderAction": inert}]}}),
        ("DeleteReceiptRule", {"RuleSetName": nowhere, "RuleName": PROBE}),
        ("SetReceiptRulePosition", {"RuleSetName": nowhere, "RuleName": PROBE}),
        ("CreateEmailIdentity", {"EmailIdentity": impossible}),
        ("VerifyDomainIdentity", {"Domain": impossible}),
        (
            "TagResource",
            {
                "ResourceArn": f"arn:aws:ses:eu-west-1:123456789012:identity/{nobody}",
                "Tags": [{"Key": "inbound", "Value": "inbound"}],
            },
        ),
        ("SetIdentityMailFromDomain", {"Identity": nobody, "MailFromDomain": "doctor.inbound.example.com"}),
        ("DeleteEmailIdentity", {"EmailIdentity": nobody}),
        ("CreateReceiptRuleSet", {"RuleSetName": "inbound-doctor-".ljust(65, "x")}),
        ("SetActiveReceiptRuleSet", {"RuleSetName": nowhere}),
        (
            "DeleteObjects",
            {
                "Bucket": "inbound-mail",
                "Delete": {"Objects": [{"Key": test_object, "VersionId": "null"}], "Quiet": True},
            },
        ),
        ("UploadPart", {"Bucket": "inbound-mail", "Key": test_object, "UploadId": "RANDOM"}),
        ("AbortMultipartUpload", {"Bucket": "inbound-mail", "Key": test_object, "UploadId": "RANDOM"}),
        ("DeleteObject", {"Bucket": "inbound-mail", "Key": test_object}),
        (
            "CreateReceiptRule",
            {"RuleSetName": "inbound-email-rules", "Rule": {**rule, "Actions": [{"S3Action": store}]}},
        ),
        ("DeleteReceiptRule", {"RuleSetName": "inbound-email-rules", "RuleName": PROBE}),
    ]
    assert [action for action, _ in sent] == [action for action, _ in expected]
    for (action, parameters), (_, desired) in zip(sent, expected, strict=True):
        given = json.loads(parameters)
        assert {name: given.get(name) for name in desired} == desired, action


def test_no_secret_is_shown(ready, environment):
    environment(
        AWS_SECRET_ACCESS_KEY="s3cr3t-key",
        AWS_SESSION_TOKEN="s3cr3t-token",
        AWS_ENDPOINT_URL=ready.url.replace("//", "//user:s3cr3t-password@"),
    )
    assert "s3cr3t" not in run("ses_doctor", "--json")[1]
    assert "s3cr3t" not in run("ses_doctor")[1]


def test_it_keeps_to_the_rate_limit(ready, settings):
    settings.SES_CALLS_PER_SECOND = 25
    urlopen(Request(f"{ready.url}/_clock", data=b'{"calls_per_second": 25}', method="POST")).close()
    _, found = doctor()
    # A throttled call proves nothing and would be a warning.
    assert {check for check, result in found.items() if result["outcome"] != "ok"} == {"endpoints"}
    assert calls(ready, "ses", "sesv2") == [*SES_CALLS, "CreateReceiptRule", "DeleteReceiptRule"]


def test_the_text_has_a_line_for_each_check_and_the_counts(ready, settings):
    settings.SES_CALLS_PER_SECOND = 0
    settings.S3_BUCKET_NAME = ""
    code, text = run("ses_doctor")
    lines = text.splitlines()
    assert code == 1
    assert lines[0] == "This takes about 1 second …"
    assert lines[1].split() == ["RESULT", "CHECK", "SEEN"]
    assert "ok       ses:CreateReceiptRule                    Allowed." in lines
    assert "skipped  s3:DeleteObject                          Not checked. Fix bucket first." in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("FAILED"))
    assert lines[at].split(maxsplit=2) == [
        "FAILED",
        "bucket",
        "S3_BUCKET_NAME is missing: rules can be deleted but not created or changed.",
    ]
    assert lines[at + 1].strip() == "→ Set S3_BUCKET_NAME to the bucket that SES stores mail in."
    assert re.fullmatch(r"\d+ checks: \d+ ok, 1 warning, 1 failed, 8 skipped\.", lines[-1])


def test_the_expected_time_is_printed_first(ready, settings):
    settings.SES_CALLS_PER_SECOND = 1000
    assert run("ses_doctor")[1].startswith("This takes about 1 second …\n")
    settings.AWS_REGION, settings.SES_CALLS_PER_SECOND = "", 1
    assert run("ses_doctor")[1].startswith("This takes about 19 seconds …\n")
    assert run("ses_doctor", "--no-probe")[1].startswith("This takes about 17 seconds …\n")
