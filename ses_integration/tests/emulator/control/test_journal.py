"""The journal, and the other control endpoints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ses_integration.emulator.control.journal import Journal
from ses_integration.emulator.server import Emulator
from ses_integration.emulator.wire.calls import Call
from ses_integration.tests.emulator.clients import client, control, refusal


def test_calls_are_listed_in_order_with_their_parameters(emulator: Emulator, ses: Any, sesv2: Any) -> None:
    """The emulator's own: action names and parameters are those of AWS's API."""
    ses.create_receipt_rule_set(RuleSetName="set")
    rule = {"Name": "a", "Enabled": True, "Recipients": ["a@example.com"], "Actions": []}
    ses.create_receipt_rule(RuleSetName="set", Rule=rule)
    sesv2.create_email_identity(EmailIdentity="example.com", Tags=[{"Key": "inbound", "Value": "x"}])
    sesv2.get_email_identity(EmailIdentity="example.com")
    assert [(entry["service"], entry["action"], entry["parameters"]) for entry in emulator.journal()] == [
        ("ses", "CreateReceiptRuleSet", {"RuleSetName": "set"}),
        ("ses", "CreateReceiptRule", {"RuleSetName": "set", "Rule": rule}),
        ("sesv2", "CreateEmailIdentity",
         {"EmailIdentity": "example.com", "Tags": [{"Key": "inbound", "Value": "x"}]}),
        ("sesv2", "GetEmailIdentity", {"EmailIdentity": "example.com"}),
    ]  # fmt: skip


def test_an_entry_has_status_effect_and_time(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: the HTTP status, whether it took effect, and the time of arrival in UTC."""
    before = datetime.now(UTC)
    ses.create_receipt_rule_set(RuleSetName="set")
    refusal(ses.create_receipt_rule_set, RuleSetName="set")
    after = datetime.now(UTC)
    accepted, refused = emulator.journal()
    assert set(accepted) == {"service", "action", "status", "time", "applied", "parameters"}
    assert (accepted["status"], accepted["applied"]) == (200, True)
    assert (refused["status"], refused["applied"]) == (400, False)
    assert accepted["time"].endswith("Z")
    moment = datetime.fromisoformat(accepted["time"])
    assert before.timestamp() - 0.001 <= moment.timestamp() <= after.timestamp()


def test_a_call_that_a_fault_refused_is_listed_as_not_applied(emulator: Emulator, ses: Any) -> None:
    """The emulator's own."""
    emulator.add_faults({"fault": "throttle"})
    refusal(ses.create_receipt_rule_set, RuleSetName="set")
    assert [(entry["status"], entry["applied"]) for entry in emulator.journal()] == [(400, False)]


def test_s3_calls_are_listed_with_name_bucket_and_key(emulator: Emulator, s3: Any, bucket: str) -> None:
    """Amazon S3 API Reference: the names of the operations. A body is listed by its length only."""
    s3.head_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="emails/a b/1", Body=b"secret")
    s3.get_object(Bucket=bucket, Key="emails/a b/1")["Body"].read()
    s3.list_objects_v2(Bucket=bucket, Prefix="emails/")
    s3.list_object_versions(Bucket=bucket, Prefix="emails/")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "emails/a b/1"}]})
    s3.delete_object(Bucket=bucket, Key="emails/a b/1")
    entries = emulator.journal()
    assert [entry["action"] for entry in entries] == [
        "CreateBucket",
        "HeadBucket",
        "PutBucketVersioning",
        "PutObject",
        "GetObject",
        "ListObjectsV2",
        "ListObjectVersions",
        "DeleteObjects",
        "DeleteObject",
    ]
    assert {entry["service"] for entry in entries} == {"s3"}
    assert {entry["parameters"]["Bucket"] for entry in entries} == {bucket}
    assert entries[3]["parameters"]["Key"] == "emails/a b/1"
    assert entries[3]["parameters"]["Body"] == "6 bytes"
    assert entries[5]["parameters"]["Prefix"] == "emails/"


def test_other_services_are_listed_as_well(emulator: Emulator) -> None:
    """AWS Security Token Service API Reference, GetCallerIdentity."""
    assert client("sts", emulator.url).get_caller_identity()["Account"] == "123456789012"
    assert [(entry["service"], entry["action"]) for entry in emulator.journal()] == [("sts", "GetCallerIdentity")]


def test_the_journal_is_read_and_cleared_over_http(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: control calls are not listed."""
    ses.list_receipt_rule_sets()
    status, entries = control(emulator.url, "GET", "/_journal")
    assert (status, entries) == (200, emulator.journal())
    assert [entry["action"] for entry in entries] == ["ListReceiptRuleSets"]
    assert control(emulator.url, "DELETE", "/_journal") == (200, [])
    assert emulator.journal() == []


def test_only_the_last_calls_are_kept() -> None:
    """The emulator's own: bounded memory."""
    journal = Journal(capacity=2)
    for action in ("A", "B", "C"):
        journal.begin(Call("ses", action, "", "", {}, {}, b"")).finish(200, applied=True)
    assert [entry["action"] for entry in journal.entries()] == ["B", "C"]


def test_a_running_call_has_its_place_but_is_not_listed() -> None:
    """The emulator's own: the order is that of arrival, not of the responses."""
    journal = Journal()
    first = journal.begin(Call("ses", "First", "", "", {}, {}, b""))
    journal.begin(Call("ses", "Second", "", "", {}, {}, b"")).finish(200, applied=True)
    assert [entry["action"] for entry in journal.entries()] == ["Second"]
    first.finish(200, applied=True)
    assert [entry["action"] for entry in journal.entries()] == ["First", "Second"]


def test_the_state_of_ses_is_shown(emulator: Emulator, rules: Any, sesv2: Any) -> None:
    """The emulator's own: keyed by region, rules in their order."""
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "b"})
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "a"})
    rules.set_active_receipt_rule_set(RuleSetName="set")
    sesv2.create_email_identity(EmailIdentity="example.com")
    status, regions = control(emulator.url, "GET", "/_ses")
    assert status == 200
    assert list(regions) == ["eu-west-1"]
    region = regions["eu-west-1"]
    assert region["active_rule_set"] == "set"
    assert [rule["Name"] for rule in region["rule_sets"]["set"]] == ["a", "b"]
    assert region["identities"] == [{"name": "example.com", "status": "Success", "tags": [], "mail_from": None}]


def test_a_region_can_be_filled_without_http(emulator: Emulator, sesv2: Any) -> None:
    """The emulator's own: for a benchmark that needs ten thousand domains."""
    emulator.region("eu-west-1").identities.create("example.com", dkim=True)
    assert [found["IdentityName"] for found in sesv2.list_email_identities()["EmailIdentities"]] == ["example.com"]


def test_a_reset_clears_everything(emulator: Emulator, rules: Any, sesv2: Any, s3: Any, bucket: str) -> None:
    """The emulator's own."""
    sesv2.create_email_identity(EmailIdentity="example.com")
    control(emulator.url, "POST", "/_identities", {"verify_new": False})
    control(emulator.url, "POST", "/_clock", {"calls_per_second": 1})
    emulator.add_faults({"service": "sts", "fault": "fail"})
    assert control(emulator.url, "POST", "/_reset") == (200, {"status": "ok"})
    assert emulator.journal() == []
    assert control(emulator.url, "GET", "/_faults") == (200, [])
    assert control(emulator.url, "GET", "/_clock") == (200, {"calls_per_second": None})
    assert control(emulator.url, "GET", "/_ses") == (200, {})
    assert s3.list_buckets()["Buckets"] == []
    assert sesv2.list_email_identities()["EmailIdentities"] == []
    assert sesv2.create_email_identity(EmailIdentity="example.com")["VerifiedForSendingStatus"] is True


def test_the_health_endpoint_answers(emulator: Emulator) -> None:
    """The emulator's own: for a process manager to wait on."""
    assert control(emulator.url, "GET", "/_health") == (200, {"status": "ok"})


def test_an_unknown_control_endpoint_is_not_found(emulator: Emulator) -> None:
    """The emulator's own: a misspelt endpoint must not look like a bucket."""
    status, answer = control(emulator.url, "POST", "/_fault", {})
    assert status == 404
    assert "POST /_faults" in answer["endpoints"]


def test_motos_own_control_endpoints_are_off(emulator: Emulator) -> None:
    """The emulator's own: moto's reset would clear half of the state."""
    assert control(emulator.url, "POST", "/moto-api/reset")[0] == 404


def test_an_operation_that_is_not_emulated_is_reported(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: 501, where an SDK would otherwise have nothing to read."""
    answer = refusal(ses.list_templates)
    assert (answer.code, answer.status) == ("NotImplemented", 501)
    assert [(entry["action"], entry["applied"]) for entry in emulator.journal()] == [("ListTemplates", False)]
