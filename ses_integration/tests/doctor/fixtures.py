"""An AWS for the doctor to look at, and what it was asked and holds afterwards."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

import boto3
import pytest

from ses_integration.aws import clients
from ses_integration.tests.commands.run import run

PROBE = "inbound-doctor"
# Without what the probe asks.
SES_CALLS = [
    "DescribeActiveReceiptRuleSet",
    "DescribeReceiptRuleSet",
    "CreateReceiptRule",
    "UpdateReceiptRule",
    "DeleteReceiptRule",
    "SetReceiptRulePosition",
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
    ses_client().create_receipt_rule(
        RuleSetName="inbound-email-rules",
        Rule={"Name": "inbound-example.com-rule", "Enabled": True, "Recipients": ["hello@example.com"], "Actions": []},
    )
    s3_client().put_object(Bucket="inbound-mail", Key="emails/example.com/indm_1/mail", Body=b"mail")
    ses.clear_journal()
    return ses


def ses_client():
    return boto3.client("ses", region_name="eu-west-1")


def s3_client():
    return boto3.client("s3", region_name="eu-west-1")


def fault(aws, action: str, kind: str, *, service: str = "ses", **more: Any) -> None:
    aws.add_faults({"service": service, "action": action, "fault": kind, **more})


def doctor(*args: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and what was found by the name of the check."""
    code, text = run("ses_doctor", "--json", *args)
    return code, {found["check"]: found for found in json.loads(text)["checks"]}


def outcome(found: dict[str, str]) -> tuple[str, str, str]:
    return found["outcome"], found["seen"], found["do"]


def ses_state(aws) -> Any:
    """All that SES holds, in every region."""
    with urlopen(f"{aws.url}/_ses") as answer:
        return json.load(answer)


def stored_keys() -> list[str]:
    page = s3_client().list_object_versions(Bucket="inbound-mail")
    return [item["Key"] for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]


def calls(aws, *services: str) -> list[str]:
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
    ses_client().create_receipt_rule(RuleSetName="inbound-email-rules", Rule={**rule, **more})
    aws.clear_journal()


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
