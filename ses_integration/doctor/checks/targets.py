"""Targets of rules (bucket, topic, function), the probe rule, and whether SES can reach them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ses_integration.conf import SesConfig
from ses_integration.doctor.checks.permissions import not_proven
from ses_integration.doctor.names import DoctorNames
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, skipped, warning
from ses_integration.plan.compile import RULES_PER_SET

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import ReceiptActionTypeDef


@dataclass(frozen=True, slots=True)
class Target:
    """A target of rules. `refusal`: SES's error code if it cannot reach the target. `do`: how to let SES reach it."""

    check: str
    action: ReceiptActionTypeDef
    refusal: str
    what: str
    do: str


def configured_targets(config: SesConfig, names: DoctorNames, partition: str, account: str) -> list[Target]:
    """The configured targets. Each is tried as the only action of the probe rule, so that no failure hides another."""
    source = f"arn:{partition}:ses:{config.region}:{account}:receipt-rule-set/{config.rule_set}:receipt-rule/*"
    found: list[Target] = []
    if config.bucket:
        found.append(
            Target(
                "SES to bucket",
                {"S3Action": {"BucketName": config.bucket, "ObjectKeyPrefix": names.key_prefix}},
                "InvalidS3Configuration",
                f"write to {config.bucket}",
                f"In the bucket's policy allow ses.amazonaws.com s3:PutObject on arn:{partition}:s3:::{config.bucket}/emails/* "
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
                f"Use a topic in {config.region}, and allow ses.amazonaws.com sns:Publish in its policy, "
                "and the use of its key if it is encrypted.",
            )
        )
    if config.function_arn:
        found.append(
            Target(
                "SES to function",
                {"LambdaAction": {"FunctionArn": config.function_arn, "InvocationType": "Event"}},
                "InvalidLambdaFunction",
                f"invoke {config.function_arn}",
                "Create the function, or use `aws lambda add-permission` to allow ses.amazonaws.com lambda:InvokeFunction "
                f"with AWS:SourceArn like {source}.",
            )
        )
    return found


def check_target(target: Target, rule_set: str, response: Response) -> CheckResult:
    if response.succeeded:
        return ok(target.check, f"SES can {target.what}.")
    if response.code == target.refusal:
        return failed(target.check, f"SES cannot {target.what}.", target.do)
    if response.code == "AlreadyExists":
        return warning(
            target.check, "Not proven: another ses_doctor is running.", "Run it again when that one has finished."
        )
    if response.code == "LimitExceeded":
        return failed(
            target.check, f"Not proven: {rule_set} is full.", "Make room for a rule, and run ses_doctor again."
        )
    return not_proven(target.check, response)


def check_probe_rule(described: Response, names: DoctorNames) -> CheckResult:
    """Whether the probe rule may be created. `described`: the response to DescribeReceiptRuleSet."""
    if not described.succeeded:
        return skipped("probe rule", "Not created: the rules in the rule set are not known.", "Run ses_doctor again.")
    rules: Sequence[Mapping[str, Any]] = described.body["Rules"]
    existing = next((rule for rule in rules if rule["Name"] == names.rule), None)
    if existing is not None and not _is_harmless(existing, names):
        return failed(
            "probe rule",
            f"There is a rule {names.rule} that ses_doctor did not create.",
            "Delete or rename it, or set another SES_RULE_PREFIX.",
        )
    if existing is None and len(rules) >= RULES_PER_SET - 1:
        return skipped(
            "probe rule",
            "Not created: the last place in the rule set is kept for a domain.",
            "Make room for more rules.",
        )
    if existing is not None:
        return ok("probe rule", f"{names.rule} was left by an interrupted run and is removed first.")
    return ok("probe rule", f"{names.rule} is created for a moment, disabled and without real recipients.")


def _is_harmless(rule: Mapping[str, Any], names: DoctorNames) -> bool:
    """Whether the rule receives nothing, like the probe rule. If it did, it would be somebody else's."""
    recipients = [recipient.lower() for recipient in rule.get("Recipients", [])]
    return not rule.get("Enabled", False) and recipients == [names.recipient]


def check_cleanup(names: DoctorNames, settle: timedelta, removal: Response) -> CheckResult:
    """Report a probe rule that could not be removed, or that an unanswered call may still create."""
    if removal.succeeded:
        return warning(
            "clean-up",
            f"AWS gave no answer to a call that creates {names.rule}; it may still be applied.",
            f"Run ses_doctor again after {settle.total_seconds() / 60:.0f} minutes: it removes the rule first.",
        )
    return failed(
        "clean-up",
        f"{names.rule} could not be removed. It is disabled and receives nothing.",
        "Run ses_doctor again: it removes the rule first.",
    )
