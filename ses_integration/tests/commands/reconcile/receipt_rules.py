"""Receipt rules in the emulator, as others would make and change them."""

from __future__ import annotations

import copy

from ses_integration.tests.emulator.clients import control

SET, RULE = "inbound-email-rules", "inbound-example.com-rule"
STORE = {"S3Action": {"BucketName": "inbound-mail", "ObjectKeyPrefix": "emails/example.com/"}}
EQUAL = "SES matches the database.\n"


def held(ses) -> dict:
    return copy.deepcopy(control(ses.url, "GET", "/_ses")[1]["eu-west-1"])


def put(ses_v1, name: str, *recipients: str, after: str | None = None, **fields) -> None:
    rule = {"Name": name, "Enabled": True, "Recipients": list(recipients), "Actions": [STORE], **fields}
    ses_v1.create_receipt_rule(RuleSetName=SET, Rule=rule, **({"After": after} if after else {}))


def change(ses_v1, **fields) -> None:
    rule = ses_v1.describe_receipt_rule(RuleSetName=SET, RuleName=RULE)["Rule"]
    ses_v1.update_receipt_rule(RuleSetName=SET, Rule={**rule, **fields})


def looks(ses) -> list[str]:
    return [entry["action"] for entry in ses.journal()]
