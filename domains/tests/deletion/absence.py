"""Rules that should be gone, and the calls that look for them."""

from __future__ import annotations

from ses_integration.aws import clients
from ses_integration.conf import ses_config

RULE = "inbound-example.com-rule"
ELSEWHERE = (
    "Its mail was received through rule set inbound-email-rules in eu-west-1, which is no longer configured, so the deletion "
    "cannot be verified. Run ses_cleanup with SES_RULE_SET=inbound-email-rules AWS_REGION=eu-west-1, or restore those settings."
)
OBSERVE = ["DescribeActiveReceiptRuleSet", "ListEmailIdentities"]


def all_calls(ses):
    return [entry["action"] for entry in ses.journal()]


def put_rule(name, *recipients, prefix="elsewhere/", enabled=True):
    store_mail = {"S3Action": {"BucketName": "inbound-mail", "ObjectKeyPrefix": prefix}}
    clients.ses("eu-west-1").create_receipt_rule(
        RuleSetName=ses_config().rule_set,
        Rule={"Name": name, "Enabled": enabled, "Recipients": list(recipients), "Actions": [store_mail]},
    )
