"""What `ses_setup` creates in AWS, without HTTP: for tests, which prepare it thousands of times."""

from __future__ import annotations

import json
from dataclasses import dataclass

from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from ses_integration.emulator import stored_objects
from ses_integration.emulator.state.accounts import DEFAULT_ACCOUNT, SesRegion

_KEPT_SECONDS = 14 * 24 * 3600
_HIDDEN_SECONDS = 120
_MAX_RECEIVES = 10


@dataclass(frozen=True)
class MailSetup:
    """How notifications of received mail arrive. The values are those of SES_TOPIC_ARN and SES_QUEUE_URL."""

    topic_arn: str
    queue_url: str
    dead_letter_url: str


def prepare_rules(region: SesRegion, *, rule_set: str, bucket: str) -> None:
    """Create the active rule set and the bucket."""
    region.rules.create_receipt_rule_set(rule_set)
    region.rules.set_active_receipt_rule_set(rule_set)
    stored_objects.create_bucket(bucket, region.region)


def prepare_mail(region: str, *, topic: str, queue: str, url: str) -> MailSetup:
    """Create topic, queue, dead-letter queue and raw subscription. `url`: of the emulator."""
    sns, sqs = sns_backends[DEFAULT_ACCOUNT][region], sqs_backends[DEFAULT_ACCOUNT][region]
    dead = sqs.create_queue(f"{queue}-dead", {}, MessageRetentionPeriod=_KEPT_SECONDS)
    redrive = json.dumps({"deadLetterTargetArn": dead.queue_arn, "maxReceiveCount": _MAX_RECEIVES})
    waiting = sqs.create_queue(
        queue,
        {},
        MessageRetentionPeriod=_KEPT_SECONDS,
        VisibilityTimeout=_HIDDEN_SECONDS,
        RedrivePolicy=redrive,
    )
    arn = sns.create_topic(topic).arn
    sns.set_topic_attribute(arn, "signature_version", "2")
    subscription = sns.subscribe(arn, waiting.queue_arn, "sqs")
    subscription.base_url = url
    sns.set_subscription_attributes(subscription.arn, "RawMessageDelivery", "true")
    return MailSetup(
        topic_arn=arn,
        queue_url=f"{url}/{DEFAULT_ACCOUNT}/{queue}",
        dead_letter_url=f"{url}/{DEFAULT_ACCOUNT}/{queue}-dead",
    )
