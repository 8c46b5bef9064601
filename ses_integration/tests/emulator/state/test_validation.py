"""SES's validation of receipt rules, as documented."""

from __future__ import annotations

from typing import Any

import pytest

from ses_integration.tests.emulator.clients import REGION, client, refusal


def creating(rules: Any, **rule: Any) -> Any:
    return refusal(rules.create_receipt_rule, RuleSetName="set", Rule={"Name": "a", **rule})


@pytest.mark.parametrize("name", ["a b", "a/b", "a@b", "ä", ""])
def test_a_wrong_character_in_a_name_is_a_validation_error(rules: Any, name: str) -> None:
    """SES API Reference, ReceiptRule: letters, digits, dashes, underscores and periods."""
    answer = creating(rules, Name=name)
    assert answer.code == "ValidationError"
    assert "rule.name" in answer.message


@pytest.mark.parametrize("name", ["-a", "a-", "_a", "a.", "a" * 65])
def test_a_name_of_wrong_length_or_edges_is_an_invalid_value(rules: Any, name: str) -> None:
    """SES API Reference, ReceiptRule: starts and ends with a letter or digit, 64 characters or fewer."""
    answer = creating(rules, Name=name)
    assert (answer.code, answer.message) == ("InvalidParameterValue", f"Not a valid ruleName: {name}")


@pytest.mark.parametrize("name", ["a", "a.b_c-1", "a" * 64])
def test_a_name_of_up_to_64_characters_is_accepted(rules: Any, name: str) -> None:
    """SES API Reference, ReceiptRule: 64 characters or fewer."""
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": name})
    assert rules.describe_receipt_rule(RuleSetName="set", RuleName=name)["Rule"]["Name"] == name


def test_the_name_of_a_rule_set_is_validated_too(ses: Any) -> None:
    """SES API Reference, CreateReceiptRuleSet: the same limits for the name of a set."""
    assert refusal(ses.create_receipt_rule_set, RuleSetName="a" * 65).code == "InvalidParameterValue"
    assert refusal(ses.create_receipt_rule_set, RuleSetName="a b").code == "ValidationError"


@pytest.mark.parametrize(
    "recipient",
    ["*@example.com", "*", "a@b@example.com", "example", "a@", "@example.com", "a b@example.com", ".a@example.com",
     "..example.com", "a@.example.com", "-a.example.com", "a@example.invalid", "not a recipient"],
)  # fmt: skip
def test_an_invalid_recipient_is_refused(rules: Any, recipient: str) -> None:
    """Amazon SES Developer Guide, "Creating receipt rules": addresses, domains, and no wildcards."""
    answer = creating(rules, Recipients=["a@example.com", recipient])
    assert (answer.code, answer.message) == ("InvalidParameterValue", f"Invalid recipient: {recipient}")


def test_addresses_labels_domains_and_subdomains_are_recipients(rules: Any) -> None:
    """Amazon SES Developer Guide, "Creating receipt rules": the five forms of a recipient condition."""
    recipients = ["user@example.com", "user+label@example.com", "example.com", "sub.example.com", ".example.com"]
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "a", "Recipients": recipients})
    described = rules.describe_receipt_rule(RuleSetName="set", RuleName="a")["Rule"]
    assert described["Recipients"] == recipients


def test_a_rule_can_have_500_recipients(rules: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": 500 recipients per receipt rule."""
    recipients = [f"user{number}@example.com" for number in range(500)]
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "full", "Recipients": recipients})
    answer = creating(rules, Recipients=[*recipients, "one-more@example.com"])
    assert (answer.code, answer.message) == ("LimitExceeded", "Too many recipients")


def test_recipients_are_counted_before_they_are_validated(rules: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": the quota is checked first, even if an entry is not valid."""
    assert creating(rules, Recipients=["*@example.com"] * 501).code == "LimitExceeded"


def test_a_rule_set_can_have_200_rules(rules: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": 200 receipt rules per rule set."""
    for number in range(200):
        rules.create_receipt_rule(RuleSetName="set", Rule={"Name": f"rule-{number}"})
    answer = creating(rules)
    assert (answer.code, answer.message) == ("LimitExceeded", "Too many rules")


def test_there_can_be_40_rule_sets(ses: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": 40 receipt rule sets per account."""
    for number in range(40):
        ses.create_receipt_rule_set(RuleSetName=f"set-{number}")
    assert refusal(ses.create_receipt_rule_set, RuleSetName="one-more").code == "LimitExceeded"


def test_a_rule_can_have_10_actions(rules: Any) -> None:
    """Amazon SES Developer Guide, "Service quotas": 10 actions per receipt rule."""
    header = {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "b"}}
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "full", "Actions": [header] * 10})
    answer = creating(rules, Actions=[header] * 11)
    assert (answer.code, answer.message) == ("LimitExceeded", "Too many actions")


def test_a_stop_action_comes_last(rules: Any) -> None:
    """Amazon SES Developer Guide, "Stop rule set action": nothing can come behind it."""
    stop = {"StopAction": {"Scope": "RuleSet"}}
    header = {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "b"}}
    assert creating(rules, Actions=[stop, header]).code == "InvalidParameterValue"
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "a", "Actions": [header, stop]})


def test_the_tls_policy_is_one_of_two(rules: Any) -> None:
    """SES API Reference, ReceiptRule: Require or Optional."""
    assert creating(rules, TlsPolicy="Sometimes").code == "ValidationError"


@pytest.mark.parametrize("operation", ["create_receipt_rule", "update_receipt_rule"])
@pytest.mark.parametrize(
    ("action", "code", "message"),
    [
        ({"S3Action": {"BucketName": "gone"}}, "InvalidS3Configuration", "No such bucket: gone"),
        (
            {"S3Action": {"BucketName": "mail", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:gone"}},
            "InvalidSnsTopic",
            "Could not publish to SNS topic: arn:aws:sns:eu-west-1:123456789012:gone",
        ),
        ({"SNSAction": {"TopicArn": "gone"}}, "InvalidSnsTopic", "Invalid SNS topic: gone"),
        (
            {"LambdaAction": {"FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:gone"}},
            "InvalidLambdaFunction",
            "Could not invoke Lambda function: arn:aws:lambda:eu-west-1:123456789012:function:gone",
        ),
        ({"LambdaAction": {"FunctionArn": "gone"}}, "InvalidLambdaFunction", "Invalid Lambda function: gone"),
        (
            {"BounceAction": {"SmtpReplyCode": "550", "Message": "no", "Sender": "a@example.com"}},
            "InvalidParameterValue",
            "Identity is not verified: a@example.com",
        ),
    ],
    ids=["bucket", "topic", "malformed topic", "function", "malformed function", "sender"],
)
def test_targets_are_tested_on_create_and_on_update(
    rules: Any, bucket: str, operation: str, action: dict[str, Any], code: str, message: str
) -> None:
    """SES API Reference, CreateReceiptRule and UpdateReceiptRule: InvalidS3Configuration and its siblings."""
    name = "present" if operation == "update_receipt_rule" else "new"
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "present"})
    answer = refusal(getattr(rules, operation), RuleSetName="set", Rule={"Name": name, "Actions": [action]})
    assert (answer.code, answer.message, answer.status) == (code, message, 400)


def test_existing_targets_are_accepted(emulator: Any, rules: Any, bucket: str, function: str) -> None:
    """SES API Reference, S3Action, SNSAction and LambdaAction."""
    topic = client("sns", emulator.url).create_topic(Name="mail")["TopicArn"]
    actions = [
        {"S3Action": {"BucketName": bucket, "TopicArn": topic}},
        {"SNSAction": {"TopicArn": topic}},
        {"LambdaAction": {"FunctionArn": function, "InvocationType": "Event"}},
    ]
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "a", "Actions": actions})
    described = rules.describe_receipt_rule(RuleSetName="set", RuleName="a")["Rule"]["Actions"]
    assert described[0] == actions[0]
    assert described[1] == {"SNSAction": {"TopicArn": topic, "Encoding": "UTF-8"}}
    assert described[2] == actions[2]


def test_topic_and_function_must_be_in_the_region(emulator: Any, function: str) -> None:
    """Amazon SES Developer Guide, "Regions and Amazon SES": topics and functions of the region of the endpoint."""
    elsewhere = client("ses", emulator.url, region="us-east-1")
    elsewhere.create_receipt_rule_set(RuleSetName="set")
    assert creating(elsewhere, Actions=[{"LambdaAction": {"FunctionArn": function}}]).code == "InvalidLambdaFunction"


@pytest.fixture
def function(emulator: Any) -> str:
    """A function that the emulated Lambda knows."""
    role = client("iam", emulator.url).create_role(RoleName="mail", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    created = client("lambda", emulator.url, region=REGION).create_function(
        FunctionName="mail", Role=role, Runtime="python3.12", Handler="mail.handler", Code={"ZipFile": b"none"}
    )
    return str(created["FunctionArn"])
