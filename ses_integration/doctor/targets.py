"""What our rules make SES do, and judging whether it can. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ses_integration.conf import SesConfig
from ses_integration.doctor.findings import Finding, failed, ok, skipped, warning
from ses_integration.doctor.judging import RULES_PER_SET, unproven
from ses_integration.doctor.names import Names
from ses_integration.doctor.reply import Reply

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import ReceiptActionTypeDef


@dataclass(frozen=True, slots=True)
class Target:
    """`refusal` is SES's code for not reaching it; `do`, what lets SES reach it."""

    check: str
    action: ReceiptActionTypeDef
    refusal: str
    what: str
    do: str


def targets(config: SesConfig, names: Names, partition: str, account: str) -> list[Target]:
    """Those that are configured. Each is a rule's only action, so that one that fails does not hide another."""
    source = f"arn:{partition}:ses:{config.region}:{account}:receipt-rule-set/{config.rule_set}:receipt-rule/*"
    found: list[Target] = []
    if config.bucket:
        found.append(
            Target(
                "SES to bucket",
                {"S3Action": {"BucketName": config.bucket, "ObjectKeyPrefix": names.key_prefix}},
                "InvalidS3Configuration",
                f"write to {config.bucket}",
                f"In the bucket's policy let ses.amazonaws.com do s3:PutObject on arn:{partition}:s3:::{config.bucket}/emails/* "
                f"with AWS:SourceArn like {source}.",
            )
        )
    if config.topic_arn:
        found.append(
            Target(
                "SES to topic",
                {"SNSAction": {"TopicArn": config.topic_arn, "Encoding": "UTF-8"}},
                "InvalidSnsTopic",
                f"publish to {config.topic_arn}",
                f"Use a topic that is in {config.region}, let ses.amazonaws.com do sns:Publish in its policy, "
                "and use its key if it is encrypted.",
            )
        )
    if config.function_arn:
        found.append(
            Target(
                "SES to function",
                {"LambdaAction": {"FunctionArn": config.function_arn, "InvocationType": "Event"}},
                "InvalidLambdaFunction",
                f"invoke {config.function_arn}",
                "Make the function, or with `aws lambda add-permission` let ses.amazonaws.com do lambda:InvokeFunction on it "
                f"with AWS:SourceArn like {source}.",
            )
        )
    return found


def judge_target(target: Target, rule_set: str, reply: Reply) -> Finding:
    if reply.done:
        return ok(target.check, f"SES can {target.what}.")
    if reply.code == target.refusal:
        return failed(target.check, f"SES cannot {target.what}.", target.do)
    if reply.code == "AlreadyExists":
        return warning(
            target.check, "Not proven: another ses_doctor is at work.", "Run it again when that one is done."
        )
    if reply.code == "LimitExceeded":
        return failed(
            target.check, f"Not proven: {rule_set} is full.", "Make room for a rule, and run ses_doctor again."
        )
    return unproven(target.check, reply)


def judge_probe_rule(described: Reply, names: Names) -> Finding:
    """Whether the probe rule may be made, from the rule set as DescribeReceiptRuleSet tells of it."""
    if not described.done:
        return skipped("probe rule", "Not made: the rules in the rule set are not known.", "Run ses_doctor again.")
    rules: Sequence[Mapping[str, Any]] = described.body["Rules"]
    there = next((rule for rule in rules if rule["Name"] == names.rule), None)
    if there is not None and not _is_probe(there, names):
        return failed(
            "probe rule",
            f"There is a rule {names.rule} that ses_doctor did not make.",
            "Delete it or give it another name, or set another SES_RULE_PREFIX.",
        )
    if there is None and len(rules) >= RULES_PER_SET - 1:
        return skipped(
            "probe rule", "Not made: the last place in the rule set is for a domain.", "Make room for more rules."
        )
    if there is not None:
        return ok("probe rule", f"{names.rule} was left by a run that was ended, and is removed first.")
    return ok("probe rule", f"{names.rule} is made for a moment, disabled and for nobody.")


def _is_probe(rule: Mapping[str, Any], names: Names) -> bool:
    """As harmless as we make it; one of the same name that does something is somebody else's."""
    recipients = [recipient.lower() for recipient in rule.get("Recipients", [])]
    return not rule.get("Enabled", False) and recipients == [names.recipient]


def judge_left_rule(names: Names, settle: timedelta, removal: Reply) -> Finding:
    """For a probe rule that could not be removed, or that an unanswered call may still make."""
    if removal.done:
        return warning(
            "clean-up",
            f"AWS gave no answer to a call that makes {names.rule}; it may still be applied.",
            f"Run ses_doctor again after {settle.total_seconds() / 60:.0f} minutes: it removes the rule first.",
        )
    return failed(
        "clean-up",
        f"{names.rule} could not be removed. It is disabled and receives nothing.",
        "Run ses_doctor again: it removes the rule first.",
    )
