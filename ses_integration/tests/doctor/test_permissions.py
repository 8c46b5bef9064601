from __future__ import annotations

import pytest

from ses_integration.doctor.probes.permissions import ALL, RULE_SET, RULES, SETUP
from ses_integration.tests.doctor.fixtures import (
    calls,
    doctor,
    fault,
    outcome,
    probe_calls,
    ses_client,
    ses_state,
    stored_keys,
)

pytestmark = pytest.mark.django_db(transaction=True)

IDENTITY_ARN = "arn:aws:ses:eu-west-1:123456789012:identity/*"


def test_every_missing_permission_is_named_as_in_a_policy(ready):
    before = ses_state(ready)
    ready.clear_faults()
    for service in ("ses", "sesv2", "s3"):
        fault(ready, "*", "access_denied", service=service, times=None)
    code, found = doctor()
    desired = {probe.name: IDENTITY_ARN if probe.for_identities else "*" for probe in ALL} | {
        "s3:ListBucketVersions": "arn:aws:s3:::inbound-mail",
        "s3:DeleteObjectVersion": "arn:aws:s3:::inbound-mail/emails/*",
    }
    assert code == 1
    assert {check: outcome(found[check]) for check in desired} == {
        action: (
            "failed",
            "AWS does not allow it.",
            f"Allow {action} on {resource} in the policy of these credentials.",
        )
        for action, resource in desired.items()
    }
    assert [check for check, result in found.items() if result["outcome"] == "failed"] == list(desired)
    assert ses_state(ready) == before


@pytest.mark.parametrize("probe", [RULE_SET, *RULES], ids=lambda probe: probe.action)
def test_a_missing_permission_for_rules_is_the_only_failure_and_no_rule_is_created(ready, probe):
    before = ses_state(ready)
    fault(ready, probe.action, "access_denied", times=None)
    code, found = doctor()
    assert code == 1
    assert [check for check, result in found.items() if result["outcome"] == "failed"] == [probe.name]
    assert found["probe rule"]["do"] == f"Fix {probe.name} first."
    assert probe_calls(ready) == []
    assert ses_state(ready) == before


def test_without_permission_to_read_the_active_rule_set_only_that_check_is_skipped(ready):
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


ARCHIVES = {
    "UploadPart": ("s3:PutObject", "arn:aws:s3:::inbound-mail/emails/*"),
    "AbortMultipartUpload": ("s3:AbortMultipartUpload", "arn:aws:s3:::inbound-mail/emails/*"),
    "ListMultipartUploads": ("s3:ListBucketMultipartUploads", "arn:aws:s3:::inbound-mail"),
}


@pytest.mark.parametrize("action", ARCHIVES)
def test_a_missing_permission_for_exports_is_a_warning_because_nothing_else_needs_it(ready, action):
    name, resource = ARCHIVES[action]
    fault(ready, action, "access_denied", service="s3")
    code, found = doctor()
    assert code == 0
    assert outcome(found[name]) == (
        "warning",
        "AWS does not allow it: domains cannot be exported, and no mail can be imported.",
        f"Allow {name} on {resource} in the policy of these credentials if they should be.",
    )
    assert [check for check in found if check.startswith("s3:") and found[check]["outcome"] != "ok"] == [name]


def test_permissions_for_exports_are_proven_without_storing_anything(ready):
    before = stored_keys()
    code, found = doctor("--no-probe")
    assert code == 0
    assert {outcome(found[name])[:2] for name, _ in ARCHIVES.values()} == {("ok", "Allowed.")}
    assert stored_keys() == before
    assert "CreateMultipartUpload" not in calls(ready, "s3")


def test_without_permission_to_erase_the_bucket_is_not_probed(ready):
    fault(ready, "DeleteObjects", "access_denied", service="s3", times=None)
    _, found = doctor()
    assert outcome(found["SES to bucket"]) == ("skipped", "Not checked.", "Fix s3:DeleteObjectVersion first.")
    assert probe_calls(ready) == []


@pytest.mark.parametrize("kind", ["access_denied", "throttle"])
def test_without_proof_that_rules_can_be_deleted_no_probe_rule_is_created(ready, kind):
    fault(ready, "DeleteReceiptRule", kind)
    _, found = doctor()
    assert found["probe rule"]["do"] == "Fix ses:DeleteReceiptRule first."
    assert probe_calls(ready) == []


def test_permissions_of_ses_setup_are_not_needed_once_the_rule_set_is_active(ready):
    for probe in SETUP:
        fault(ready, probe.action, "access_denied")
    code, found = doctor()
    assert code == 0
    for probe in SETUP:
        assert outcome(found[probe.name]) == ("ok", "Not allowed, and not needed: the rule set is active.", "")


def test_permissions_of_ses_setup_are_needed_before_that(ready):
    ses_client().set_active_receipt_rule_set()
    for probe in SETUP:
        fault(ready, probe.action, "access_denied")
    code, found = doctor()
    assert code == 1
    for probe in SETUP:
        assert found[probe.name]["do"] == f"Allow {probe.name} on * in the policy of these credentials."


def test_a_throttled_call_proves_nothing(ready):
    fault(ready, "VerifyDomainIdentity", "throttle")
    code, found = doctor()
    assert code == 0
    assert outcome(found["ses:VerifyDomainIdentity"]) == (
        "warning",
        "Not proven: AWS is throttling our calls.",
        "Run ses_doctor again later.",
    )


def test_a_validation_error_proves_nothing(ready):
    fault(ready, "CreateEmailIdentity", "error", service="sesv2", code="ValidationException")
    assert doctor()[1]["ses:CreateEmailIdentity"]["seen"] == "Not proven: AWS answered Validation."
