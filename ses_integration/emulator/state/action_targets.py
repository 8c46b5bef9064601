"""Test the targets of a rule's actions against moto's S3, SNS and Lambda.

Amazon SES Developer Guide, "Giving permissions to Amazon SES for email receiving": SES tests bucket, topic and function
when a rule is created or updated. The emulator only tests that they exist, not policies, KMS keys or IAM roles.
"""

from __future__ import annotations

import re
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from ses_integration.emulator.state.identities import IdentityStore
from ses_integration.emulator.state.validation import Rule
from ses_integration.emulator.wire.errors import AwsError

_TOPIC_ARN = re.compile(r"arn:aws[\w-]*:sns:([a-z0-9-]+):(\d{12}):[\w-]{1,256}")
_FUNCTION_ARN = re.compile(r"arn:aws[\w-]*:lambda:([a-z0-9-]+):(\d{12}):function:[\w-]+(:[\w$-]+)?")


class ActionTargets:
    """Checks of action targets for the rules of one account and region. Topic and function must be in that region."""

    def __init__(self, account: str, region: str, identities: IdentityStore) -> None:
        self._account = account
        self._region = region
        self._identities = identities

    def check(self, rule: Rule) -> None:
        """Raise SES's AwsError for the first target of the rule that does not exist."""
        for action in rule["Actions"]:
            for kind, parameters in action.items():
                self._check_topic(parameters.get("TopicArn"))
                if kind == "S3Action":
                    self._check_bucket(parameters)
                elif kind == "LambdaAction":
                    self._check_function(parameters)
                elif kind == "BounceAction":
                    self._check_sender(parameters)

    def _check_bucket(self, action: dict[str, Any]) -> None:
        bucket = action.get("BucketName", "")
        partition = "aws-us-gov" if self._region.startswith("us-gov-") else "aws"
        if bucket not in s3_backends[self._account][partition].buckets:
            raise AwsError("InvalidS3Configuration", f"No such bucket: {bucket}", Bucket=bucket)

    def _check_topic(self, arn: str | None) -> None:
        if arn is None:
            return
        match = _TOPIC_ARN.fullmatch(arn)
        if match is None:
            raise AwsError("InvalidSnsTopic", f"Invalid SNS topic: {arn}", Topic=arn)
        region, account = match.groups()
        if region != self._region or arn not in sns_backends[account][region].topics:
            raise AwsError("InvalidSnsTopic", f"Could not publish to SNS topic: {arn}", Topic=arn)

    def _check_function(self, action: dict[str, Any]) -> None:
        arn = action.get("FunctionArn", "")
        match = _FUNCTION_ARN.fullmatch(arn)
        if match is None:
            raise AwsError("InvalidLambdaFunction", f"Invalid Lambda function: {arn}", FunctionArn=arn)
        region, account = match.group(1, 2)
        try:
            if region != self._region:
                raise LookupError(region)
            lambda_backends[account][region].get_function(arn)
        except Exception as error:
            # moto raises Lambda's HTTP error for an unknown function. SES has its own error.
            raise AwsError(
                "InvalidLambdaFunction", f"Could not invoke Lambda function: {arn}", FunctionArn=arn
            ) from error

    def _check_sender(self, action: dict[str, Any]) -> None:
        sender = action.get("Sender", "")
        if not self._identities.is_verified(sender):
            raise AwsError("InvalidParameterValue", f"Identity is not verified: {sender}")
