"""Rules that should be gone, and the calls that look for them."""

from __future__ import annotations

from ses_integration.aws import clients
from ses_integration.conf import ses_config

RULE = "inbound-example.com-rule"
ELSEWHERE = (
    "It was received through rule set inbound-email-rules in eu-west-1, which is not the configured one, so nobody looks "
    "there: see ses_cleanup with those as SES_RULE_SET and AWS_REGION, or set them so again."
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
