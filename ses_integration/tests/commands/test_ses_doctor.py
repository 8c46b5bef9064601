from __future__ import annotations

import json
import re
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from ses_integration import clients
from ses_integration.doctor.permissions import ALL, RULE_SET, RULES, SETUP
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.django_db(transaction=True)

PROBE = "inbound-doctor"
IDENTITY_ARN = "arn:aws:ses:eu-west-1:123456789012:identity/*"
# Without what the probe asks.
SES_CALLS = [
    "DescribeActiveReceiptRuleSet",
    "DescribeReceiptRuleSet",
    "CreateReceiptRule",
    "UpdateReceiptRule",
    "DeleteReceiptRule",
    "ListEmailIdentities",
    "GetEmailIdentity",
    "GetIdentityVerificationAttributes",
    "GetIdentityMailFromDomainAttributes",
    "CreateEmailIdentity",
    "VerifyDomainIdentity",
    "TagResource",
    "SetIdentityMailFromDomain",
    "DeleteEmailIdentity",
    "CreateReceiptRuleSet",
    "SetActiveReceiptRuleSet",
]


@pytest.fixture
def ready(ses):
    """An AWS in which all is well, with a rule and a mail of somebody's that must not be touched."""
    # AWS has the call; the emulator need not.
    fault(ses, "TagResource", "error", service="sesv2", code="NotFoundException", status=404, times=None)
    receiving().create_receipt_rule(
        RuleSetName="inbound-email-rules",
        Rule={"Name": "inbound-example.com-rule", "Enabled": True, "Recipients": ["hello@example.com"], "Actions": []},
    )
    storage().put_object(Bucket="inbound-mail", Key="emails/example.com/indm_1/mail", Body=b"mail")
    ses.clear_journal()
    return ses


def receiving():
    return boto3.client("ses", region_name="eu-west-1")


def storage():
    return boto3.client("s3", region_name="eu-west-1")


def fault(aws, action: str, kind: str, *, service: str = "ses", **more: Any) -> None:
    aws.add_faults({"service": service, "action": action, "fault": kind, **more})


def doctor(*args: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and what was found by the name of the check."""
    code, text = run("ses_doctor", "--json", *args)
    return code, {found["check"]: found for found in json.loads(text)["checks"]}


def outcome(found: dict[str, str]) -> tuple[str, str, str]:
    return found["outcome"], found["seen"], found["do"]


def held(aws) -> Any:
    """All that SES holds, in every region."""
    with urlopen(f"{aws.url}/_ses") as answer:
        return json.load(answer)


def stored() -> list[str]:
    page = storage().list_object_versions(Bucket="inbound-mail")
    return [item["Key"] for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]


def asked(aws, *services: str) -> list[str]:
    return [entry["action"] for entry in aws.journal() if entry["service"] in services]


def probe_calls(aws) -> list[str]:
    """What was done to the probe rule in our own rule set."""
    return [
        entry["action"]
        for entry in aws.journal()
        if entry["parameters"].get("RuleSetName") == "inbound-email-rules"
        and PROBE in (entry["parameters"].get("RuleName"), entry["parameters"].get("Rule", {}).get("Name"))
    ]


def leave_a_probe_rule(aws, **more: Any) -> None:
    """As a run leaves it that is killed in the middle."""
    rule = {"Name": PROBE, "Enabled": False, "Recipients": ["nobody@doctor.inbound.example.com"], "Actions": []}
    receiving().create_receipt_rule(RuleSetName="inbound-email-rules", Rule={**rule, **more})
    aws.clear_journal()


def test_where_all_is_well_it_says_so_and_leaves_no_trace(ready):
    before = held(ready)
    code, found = doctor()
    assert code == 0
    assert {check for check, finding in found.items() if finding["outcome"] != "ok"} == {"endpoints"}
    assert found["endpoints"]["seen"].startswith("Not AWS but an emulator on this machine: ses, sesv2, s3, sts at http")
    assert held(ready) == before
    assert stored() == ["emails/example.com/indm_1/mail"]


def test_it_asks_this_and_nothing_else(ready):
    doctor()
    assert asked(ready, "sts") == ["GetCallerIdentity"]
    assert asked(ready, "ses", "sesv2") == [*SES_CALLS, "CreateReceiptRule", "DeleteReceiptRule"]
    assert asked(ready, "s3") == [
        "HeadBucket",
        "GetBucketVersioning",
        "GetObjectLockConfiguration",
        "ListObjectVersions",
        "DeleteObjects",
        "DeleteObject",
        "ListObjectVersions",
    ]


def test_what_it_writes_is_for_nobody_or_for_what_cannot_be(ready):
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
        ("DeleteObject", {"Bucket": "inbound-mail", "Key": test_object}),
        (
            "CreateReceiptRule",
            {"RuleSetName": "inbound-email-rules", "Rule": {**rule, "Actions": [{"S3Action": store}]}},
        ),
        ("DeleteReceiptRule", {"RuleSetName": "inbound-email-rules", "RuleName": PROBE}),
    ]
    assert [action for action, _ in sent] == [action for action, _ in expected]
    for (action, parameters), (_, wanted) in zip(sent, expected, strict=True):
        given = json.loads(parameters)
        assert {name: given.get(name) for name in wanted} == wanted, action


def test_every_missing_permission_is_named_as_a_policy_has_it(ready):
    before = held(ready)
    ready.clear_faults()
    for service in ("ses", "sesv2", "s3"):
        fault(ready, "*", "access_denied", service=service, times=None)
    code, found = doctor()
    wanted = {proof.name: IDENTITY_ARN if proof.for_identities else "*" for proof in ALL} | {
        "s3:ListBucketVersions": "arn:aws:s3:::inbound-mail",
        "s3:DeleteObjectVersion": "arn:aws:s3:::inbound-mail/emails/*",
    }
    assert code == 1
    assert {check: outcome(found[check]) for check in wanted} == {
        action: (
            "failed",
            "AWS does not allow it.",
            f"Allow {action} on {resource} in the policy of these credentials.",
        )
        for action, resource in wanted.items()
    }
    assert [check for check, finding in found.items() if finding["outcome"] == "failed"] == list(wanted)
    assert held(ready) == before


@pytest.mark.parametrize("proof", [RULE_SET, *RULES], ids=lambda proof: proof.action)
def test_a_missing_permission_for_rules_is_the_only_failure_and_no_rule_is_made(ready, proof):
    before = held(ready)
    fault(ready, proof.action, "access_denied", times=None)
    code, found = doctor()
    assert code == 1
    assert [check for check, finding in found.items() if finding["outcome"] == "failed"] == [proof.name]
    assert found["probe rule"]["do"] == f"Mend {proof.name} first."
    assert probe_calls(ready) == []
    assert held(ready) == before


def test_a_missing_permission_to_see_the_active_rule_set_leaves_only_that_unseen(ready):
    fault(ready, "DescribeActiveReceiptRuleSet", "access_denied", times=None)
    code, found = doctor()
    assert code == 1
    assert found["ses:DescribeActiveReceiptRuleSet"]["outcome"] == "failed"
    assert outcome(found["active rule set"])[0] == "skipped"
    assert found["SES to bucket"]["outcome"] == "ok"


def test_a_missing_permission_to_delete_objects_without_a_version_is_named(ready):
    fault(ready, "DeleteObject", "access_denied", service="s3")
    code, found = doctor()
    assert code == 1
    assert found["s3:DeleteObject"]["do"] == (
        "Allow s3:DeleteObject on arn:aws:s3:::inbound-mail/emails/* in the policy of these credentials."
    )


def test_without_the_permission_to_erase_ses_is_not_made_to_write(ready):
    fault(ready, "DeleteObjects", "access_denied", service="s3", times=None)
    _, found = doctor()
    assert outcome(found["SES to bucket"]) == ("skipped", "Not looked at.", "Mend s3:DeleteObjectVersion first.")
    assert probe_calls(ready) == []


@pytest.mark.parametrize("kind", ["access_denied", "throttle"])
def test_a_rule_that_could_not_be_deleted_is_not_made(ready, kind):
    fault(ready, "DeleteReceiptRule", kind)
    _, found = doctor()
    assert found["probe rule"]["do"] == "Mend ses:DeleteReceiptRule first."
    assert probe_calls(ready) == []


def test_permissions_of_ses_setup_are_not_needed_once_the_rule_set_is_active(ready):
    for proof in SETUP:
        fault(ready, proof.action, "access_denied")
    code, found = doctor()
    assert code == 0
    for proof in SETUP:
        assert outcome(found[proof.name]) == ("ok", "Not allowed, and not needed: the rule set is active.", "")


def test_permissions_of_ses_setup_are_needed_until_then(ready):
    receiving().set_active_receipt_rule_set()
    for proof in SETUP:
        fault(ready, proof.action, "access_denied")
    code, found = doctor()
    assert code == 1
    for proof in SETUP:
        assert found[proof.name]["do"] == f"Allow {proof.name} on * in the policy of these credentials."


def test_a_call_that_is_throttled_proves_nothing_and_says_so(ready):
    fault(ready, "VerifyDomainIdentity", "throttle")
    code, found = doctor()
    assert code == 0
    assert outcome(found["ses:VerifyDomainIdentity"]) == (
        "warning",
        "Not proven: AWS is taking fewer calls than we make.",
        "Run ses_doctor again later.",
    )


def test_an_answer_of_aws_s_front_door_proves_nothing(ready):
    fault(ready, "CreateEmailIdentity", "error", service="sesv2", code="ValidationException")
    assert doctor()[1]["ses:CreateEmailIdentity"]["seen"] == "Not proven: AWS answered Validation."


def test_topic_and_function_are_tried_one_by_one(ready, settings):
    topic = boto3.client("sns", region_name="eu-west-1").create_topic(Name="mail")["TopicArn"]
    settings.SES_TOPIC_ARN, settings.LAMBDA_FUNCTION_NAME = topic, "on-mail"
    before = held(ready)
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
    assert held(ready) == before


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
    before = held(ready)
    leave_a_probe_rule(ready)
    code, found = doctor()
    assert (code, found["probe rule"]["seen"]) == (
        0,
        "inbound-doctor was left by a run that was ended, and is removed first.",
    )
    assert probe_calls(ready) == ["DeleteReceiptRule", "CreateReceiptRule", "DeleteReceiptRule"]
    assert held(ready) == before


@pytest.mark.parametrize("theirs", [{"Enabled": True}, {"Recipients": ["hello@example.com"]}, {"Recipients": []}])
def test_a_rule_of_that_name_that_does_something_is_left_alone(ready, theirs):
    leave_a_probe_rule(ready, **theirs)
    before = held(ready)
    code, found = doctor()
    assert code == 1
    assert found["probe rule"]["seen"] == "There is a rule inbound-doctor that ses_doctor did not make."
    assert found["SES to bucket"]["outcome"] == "skipped"
    assert probe_calls(ready) == []
    assert held(ready) == before


@pytest.mark.parametrize("kind", ["throttle", "fail", "dropped", "lost"])
def test_a_removal_that_fails_once_is_tried_again(ready, kind):
    before = held(ready)
    fault(ready, "DeleteReceiptRule", kind, skip=1)
    code, found = doctor()
    assert (code, found["clean-up"]["outcome"]) == (0, "ok")
    assert held(ready) == before


def test_a_removal_that_goes_on_failing_is_told_and_made_up_for_by_the_next_run(ready):
    before = held(ready)
    fault(ready, "DeleteReceiptRule", "fail", skip=1, times=None)
    code, found = doctor()
    assert code == 1
    assert outcome(found["clean-up"]) == (
        "failed",
        "inbound-doctor could not be removed. It is disabled and receives nothing.",
        "Run ses_doctor again: it removes the rule first.",
    )
    assert held(ready) != before
    ready.clear_faults()
    doctor()
    assert held(ready) == before


@pytest.mark.parametrize("kind", ["lost", "dropped", "fail"])
def test_a_creation_without_an_answer_is_taken_back_and_told(ready, settings, kind):
    settings.SES_CALL_SETTLE_SECONDS = 900
    settings.SES_TOPIC_ARN = boto3.client("sns", region_name="eu-west-1").create_topic(Name="mail")["TopicArn"]
    before = held(ready)
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
    assert held(ready) == before


def test_another_doctor_s_rule_is_left_to_it(ready):
    fault(ready, "CreateReceiptRule", "error", skip=1, code="AlreadyExists")
    code, found = doctor()
    assert (code, found["SES to bucket"]["seen"]) == (0, "Not proven: another ses_doctor is at work.")
    assert probe_calls(ready) == ["CreateReceiptRule"]


def test_without_a_probe_nothing_of_ours_is_written(ready, settings):
    settings.SES_TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:mail"
    storage().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    ready.clear_journal()
    code, found = doctor("--no-probe")
    assert code == 0
    assert {check for check, finding in found.items() if finding["outcome"] == "skipped"} == {
        "s3:DeleteObject",
        "SES to bucket",
        "SES to topic",
    }
    assert outcome(found["SES to topic"])[1:] == ("Left out on request.", "Run ses_doctor without --no-probe.")
    assert asked(ready, "ses", "sesv2") == SES_CALLS
    assert "DeleteObject" not in asked(ready, "s3")


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_where_versions_are_kept_its_own_object_goes_with_every_version(ready, status):
    storage().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    # What SES writes when it tries the bucket, which the emulator does not.
    key = "emails/doctor.inbound.example.com/doctor/AMAZON_SES_SETUP_NOTIFICATION"
    storage().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    storage().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    storage().put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": status})
    code, found = doctor()
    assert code == 0
    assert found["bucket versioning"]["seen"] == f"{status}; erasing removes every version."
    assert found["s3:DeleteObject"]["outcome"] == "ok"
    assert stored() == ["emails/example.com/indm_1/mail"]


def test_objects_that_could_not_be_erased_are_told(ready):
    key = "emails/doctor.inbound.example.com/doctor/old"
    storage().put_object(Bucket="inbound-mail", Key=key, Body=b"set up")
    fault(ready, "DeleteObjects", "access_denied", service="s3", skip=1)
    code, found = doctor()
    assert code == 0
    assert "Test objects may be left below emails/doctor.inbound.example.com/doctor/." in found["clean-up"]["seen"]
    assert doctor()[1]["clean-up"]["outcome"] == "ok"
    assert key not in stored()


def test_a_bucket_that_is_not_there_is_said_once(aws):
    code, found = doctor()
    assert (code, found["bucket"]["seen"]) == (1, "There is no bucket inbound-mail.")
    assert found["s3:DeleteObject"]["do"] == "Mend bucket first."
    assert asked(aws, "s3") == ["HeadBucket"]


def test_what_only_the_doctor_needs_is_a_warning(ready):
    fault(ready, "GetBucketVersioning", "access_denied", service="s3")
    fault(ready, "GetObjectLockConfiguration", "access_denied", service="s3")
    fault(ready, "HeadBucket", "access_denied", service="s3")
    code, found = doctor()
    assert code == 0
    assert found["bucket"]["outcome"] == "ok"
    assert found["bucket versioning"]["seen"] == "Not looked at: s3:GetBucketVersioning is not allowed."
    assert found["object lock"]["seen"] == "Not looked at: s3:GetBucketObjectLockConfiguration is not allowed."


def test_a_rule_set_that_is_not_there_is_for_ses_setup(aws):
    code, found = doctor()
    assert code == 1
    assert outcome(found["active rule set"]) == (
        "failed",
        "None is active: SES refuses all mail.",
        "Run `python manage.py ses_setup`.",
    )
    assert found["rule set"]["seen"] == "There is no rule set inbound-email-rules."
    assert found["ses:DescribeReceiptRuleSet"]["outcome"] == "ok"
    assert found["SES to bucket"]["do"] == "Mend rule set first."


def test_another_active_rule_set_is_named(ready):
    receiving().create_receipt_rule_set(RuleSetName="theirs")
    receiving().set_active_receipt_rule_set(RuleSetName="theirs")
    code, found = doctor()
    assert code == 1
    assert found["active rule set"]["seen"].startswith("theirs is active, not inbound-email-rules")
    assert held(ready)["eu-west-1"]["active_rule_set"] == "theirs"


def test_credentials_of_another_account_write_nothing_there(ready, settings):
    settings.AWS_ACCOUNT_ID = "999999999999"
    code, found = doctor()
    assert code == 1
    assert found["credentials"]["do"] == "Set AWS_ACCOUNT_ID=123456789012, or use credentials of account 999999999999."
    assert [entry["action"] for entry in ready.journal()] == ["GetCallerIdentity"]


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("InvalidClientTokenId", "AWS does not accept them (InvalidClientTokenId)."),
        ("SignatureDoesNotMatch", "AWS does not accept them (SignatureDoesNotMatch)."),
        ("ExpiredTokenException", "They have expired."),
    ],
)
def test_credentials_that_aws_refuses_stop_it_there(ready, code, seen):
    fault(ready, "GetCallerIdentity", "error", service="sts", code=code, status=403)
    exit_code, found = doctor()
    assert (exit_code, found["credentials"]["seen"]) == (1, seen)
    assert found["clock"]["outcome"] == "ok"
    assert found["SES to bucket"]["do"] == "Mend credentials first."
    assert [entry["action"] for entry in ready.journal()] == ["GetCallerIdentity"]


def test_without_sts_the_rest_is_looked_at_all_the_same(ready):
    fault(ready, "GetCallerIdentity", "dropped", service="sts")
    code, found = doctor()
    assert code == 0
    assert found["credentials"]["outcome"] == "warning"
    assert found["clock"]["outcome"] == "skipped"
    assert found["SES to bucket"]["outcome"] == "ok"


def test_a_silent_ses_is_said_once(ready):
    fault(ready, "*", "dropped", times=None)
    code, found = doctor()
    assert code == 1
    assert [check for check, finding in found.items() if finding["outcome"] == "failed"] == ["SES"]
    assert asked(ready, "ses", "sesv2") == ["DescribeActiveReceiptRuleSet"]
    assert found["bucket"]["outcome"] == "ok"


@pytest.mark.parametrize("region", ["", "eu west", "EU-west-1"])
def test_without_a_region_nothing_is_asked(ready, settings, region):
    settings.AWS_REGION = region
    code, found = doctor()
    assert (code, found["region"]["outcome"]) == (1, "failed")
    assert ready.journal() == []


@pytest.fixture
def environment(monkeypatch):
    """`environment(AWS_PROFILE="x")`: what botocore reads."""

    def change(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        clients.forget()

    yield change
    monkeypatch.undo()
    clients.forget()


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_ENDPOINT_URL": "nonsense"}, "AWS's own settings cannot be used: Invalid endpoint: nonsense"),
        ({"AWS_PROFILE": "nope"}, "AWS's own settings cannot be used: The config profile (nope) could not be found"),
        ({"AWS_ENDPOINT_URL_S3": "https://s3.eu-west-1.amazonaws.com"}, "The services are in different places: "),
    ],
)
def test_endpoints_that_cannot_be_meant_are_not_asked(ready, environment, variables, seen):
    environment(**variables)
    code, found = doctor()
    assert (code, found["endpoints"]["outcome"]) == (1, "failed")
    assert found["endpoints"]["seen"].startswith(seen)
    assert ready.journal() == []


def test_no_secret_is_shown(ready, environment):
    environment(
        AWS_SECRET_ACCESS_KEY="s3cr3t-key",
        AWS_SESSION_TOKEN="s3cr3t-token",
        AWS_ENDPOINT_URL=ready.url.replace("//", "//user:s3cr3t-password@"),
    )
    assert "s3cr3t" not in run("ses_doctor", "--json")[1]
    assert "s3cr3t" not in run("ses_doctor")[1]


def test_what_check_says_is_part_of_it_and_stops_nothing(ready, settings):
    settings.SES_RULE_PREFIX = "In"
    code, found = doctor()
    assert code == 1
    assert outcome(found["configuration"]) == (
        "failed",
        "SES_RULE_PREFIX is 'In', which no rule's name can begin with. (ses_integration.E001)",
        "Use 1 to 16 lower-case letters and digits.",
    )
    assert found["SES"]["outcome"] == "ok"


def test_it_takes_turns_with_everybody_else(ready, settings):
    settings.SES_CALLS_PER_SECOND = 25
    urlopen(Request(f"{ready.url}/_clock", data=b'{"calls_per_second": 25}', method="POST")).close()
    code, _ = doctor()
    assert code == 0
    assert "Throttling" not in json.dumps(ready.journal())
    assert asked(ready, "ses", "sesv2") == [*SES_CALLS, "CreateReceiptRule", "DeleteReceiptRule"]


def test_people_get_a_line_for_each_check_and_the_count(ready, settings):
    settings.SES_CALLS_PER_SECOND = 0
    settings.S3_BUCKET_NAME = ""
    code, text = run("ses_doctor")
    lines = text.splitlines()
    assert code == 1
    assert lines[0] == "This takes about 1 second …"
    assert lines[1].split() == ["RESULT", "CHECK", "SEEN"]
    assert "ok       ses:CreateReceiptRule                    Allowed." in lines
    assert "skipped  s3:DeleteObject                          Not looked at. Mend bucket first." in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("FAILED"))
    assert lines[at].split(maxsplit=2) == [
        "FAILED",
        "bucket",
        "S3_BUCKET_NAME is missing: rules can be deleted but not created or changed.",
    ]
    assert lines[at + 1].strip() == "→ Set S3_BUCKET_NAME to the bucket that SES stores mail in."
    assert re.fullmatch(r"\d+ checks: \d+ ok, 1 warning, 1 failed, 5 skipped\.", lines[-1])


def test_the_time_that_it_takes_is_told_before(ready, settings):
    settings.SES_CALLS_PER_SECOND = 1000
    assert run("ses_doctor")[1].startswith("This takes about 1 second …\n")
    settings.AWS_REGION, settings.SES_CALLS_PER_SECOND = "", 1
    assert run("ses_doctor")[1].startswith("This takes about 18 seconds …\n")
    assert run("ses_doctor", "--no-probe")[1].startswith("This takes about 16 seconds …\n")


def test_the_readme_lists_every_permission_that_is_proven(settings):
    readme = (settings.BASE_DIR / "README.md").read_text()
    assert [proof.action for proof in ALL if f"{proof.action}`" not in readme] == []
