"""SES settings as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast

from django.conf import settings

from ses_integration.plan.compile import Layout

MailSource = Literal["sqs", "sns", "sweep", "none"]


@dataclass(frozen=True, slots=True)
class SesConfig:
    """Settings of `ses_integration` (docs/configuration.md)."""

    region: str
    rule_set: str
    rule_prefix: str
    bucket: str
    topic_arn: str
    queue_url: str
    configuration_set: str
    account_id: str
    lambda_function: str
    installation_id: str
    request_budget: float
    calls_per_second: float
    call_settle: timedelta
    max_recipients: int
    max_identities: int
    auto_setup: bool

    @property
    def layout(self) -> Layout:
        """Layout of rules as configured. `quotas.layout` also applies the learned recipient limit."""
        return Layout(
            rule_prefix=self.rule_prefix,
            bucket=self.bucket,
            topic_arn=self.topic_arn,
            function_arn=self.function_arn,
            max_recipients=self.max_recipients,
        )

    @property
    def function_arn(self) -> str:
        if not (self.lambda_function and self.account_id):
            return ""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{self.lambda_function}"


def ses_config() -> SesConfig:
    """Read the settings. Not cached, so that tests can change them."""
    return SesConfig(
        region=settings.AWS_REGION,
        rule_set=settings.SES_RULE_SET,
        rule_prefix=settings.SES_RULE_PREFIX,
        bucket=settings.S3_BUCKET_NAME,
        topic_arn=settings.SES_TOPIC_ARN,
        queue_url=settings.SES_QUEUE_URL,
        configuration_set=settings.SES_CONFIGURATION_SET,
        account_id=settings.AWS_ACCOUNT_ID,
        lambda_function=settings.LAMBDA_FUNCTION_NAME,
        installation_id=settings.INSTALLATION_ID,
        request_budget=settings.SES_REQUEST_BUDGET,
        calls_per_second=settings.SES_CALLS_PER_SECOND,
        call_settle=timedelta(seconds=settings.SES_CALL_SETTLE_SECONDS),
        max_recipients=settings.SES_MAX_RECIPIENTS_PER_RULE,
        max_identities=settings.SES_MAX_IDENTITIES,
        auto_setup=settings.SES_AUTO_SETUP,
    )


def mail_source() -> MailSource:
    """How stored mail becomes known: MAIL_SOURCE, by default `sqs` with a queue and `none` without."""
    return cast(MailSource, settings.MAIL_SOURCE or ("sqs" if settings.SES_QUEUE_URL else "none"))
