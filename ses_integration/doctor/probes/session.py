"""The doctor's AWS clients, and the identity of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.aws import clients
from ses_integration.conf import SesConfig
from ses_integration.doctor.names import DoctorNames
from ses_integration.setup.names import MailNames, mail_names

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(slots=True)
class AwsSession:
    """`account` and `caller` (an ARN) are empty until AWS has named them.

    Clients are created on first use, which raises NotConfigured if the profile or the endpoint cannot be used. Its cause
    is botocore's error.
    """

    config: SesConfig
    names: DoctorNames
    account: str = ""
    caller: str = ""

    @property
    def ses(self) -> SESClient:
        return clients.ses(self.config.region)

    @property
    def sesv2(self) -> SESV2Client:
        return clients.sesv2(self.config.region)

    @property
    def s3(self) -> S3Client:
        return clients.s3(self.config.region)

    @property
    def sns(self) -> SNSClient:
        return clients.sns(self.config.region)

    @property
    def sqs(self) -> SQSClient:
        return clients.sqs(self.config.region)

    @property
    def sts(self) -> Any:
        return clients.sts(self.config.region)

    def endpoints(self) -> dict[str, str]:
        """URL of each service, from the environment, a profile or botocore's defaults."""
        found = {
            "ses": self.ses.meta.endpoint_url,
            "sesv2": self.sesv2.meta.endpoint_url,
            "s3": self.s3.meta.endpoint_url,
            "sts": self.sts.meta.endpoint_url,
        }
        if self.config.topic_arn:
            found["sns"] = self.sns.meta.endpoint_url
        if self.config.queue_url:
            found["sqs"] = self.sqs.meta.endpoint_url
        return found

    @property
    def partition(self) -> str:
        """`aws`, or the name of a separate AWS cloud (`aws-cn`)."""
        return self.caller.split(":")[1] if self.caller.count(":") > 1 else "aws"

    @property
    def mail_names(self) -> MailNames:
        """Topic and queue that the settings name."""
        return mail_names(self.config, self.partition, self.account)

    @property
    def identity_arn(self) -> str:
        """The ARN of an SES identity, up to its name."""
        return f"arn:{self.partition}:ses:{self.config.region}:{self.account}:identity/"

    @property
    def bucket_arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.config.bucket}"
