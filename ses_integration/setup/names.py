"""Names of topic, queues and configuration set. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ses_integration.conf import SesConfig
from ses_integration.errors import Refused

# A queue's name has at most 80 characters (Amazon SQS API Reference, CreateQueue), and the longest here is `…-mail-dead`. A
# configuration set's has at most 64 (Amazon SES API v2 Reference, CreateConfigurationSet): `…-out`.
STEM_LENGTH = 60


@dataclass(frozen=True, slots=True)
class MailNames:
    """Topic, queue, dead-letter queue and configuration set, all of them in the region and account of the rule set."""

    partition: str
    region: str
    account: str
    topic: str
    queue: str
    configuration_set: str

    @property
    def topic_arn(self) -> str:
        return f"arn:{self.partition}:sns:{self.region}:{self.account}:{self.topic}"

    @property
    def queue_arn(self) -> str:
        return self.arn_of_queue(self.queue)

    @property
    def dead_letters(self) -> str:
        return f"{self.queue}-dead"

    def arn_of_queue(self, name: str) -> str:
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{name}"

    @property
    def configuration_set_arn(self) -> str:
        return f"arn:{self.partition}:ses:{self.region}:{self.account}:configuration-set/{self.configuration_set}"

    def rules_arn(self, rule_set: str) -> str:
        """All rules of a rule set, as the source of what SES sends."""
        return f"arn:{self.partition}:ses:{self.region}:{self.account}:receipt-rule-set/{rule_set}:receipt-rule/*"


def mail_names(config: SesConfig, partition: str, account: str) -> MailNames:
    """The names in the settings, or our own. Raises Refused if they are another account's."""
    own = default_name(config.installation_id)
    topic, queue = own, own
    for setting, owner in (("SES_TOPIC_ARN", _account_of_topic(config)), ("SES_QUEUE_URL", _account_of_queue(config))):
        if owner not in ("", account):
            raise Refused(
                f"{setting} is in account {owner}, and the credentials belong to account {account}: set it up there.",
                needs_attention=True,
            )
    if config.topic_arn:
        topic = config.topic_arn.rpartition(":")[2]
    if config.queue_url:
        queue = config.queue_url.rpartition("/")[2]
    configuration_set = config.configuration_set or default_name(config.installation_id, "out")
    return MailNames(partition, config.region, account, topic, queue, configuration_set)


def default_name(installation_id: str, purpose: str = "mail") -> str:
    """A name for topic and queue, or for something else, that no other installation in the account has."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "-", installation_id)[:STEM_LENGTH]
    if stem != installation_id:
        # Two ids may look alike without the characters that a queue's name cannot have.
        digest = hashlib.sha256(installation_id.encode()).hexdigest()[:8]
        stem = f"{stem[: STEM_LENGTH - 9]}-{digest}"
    return f"{stem}-{purpose}"


def sibling_url(queue_url: str, name: str) -> str:
    """The URL of another queue in the same account and region."""
    return f"{queue_url.rpartition('/')[0]}/{name}"


def _account_of_topic(config: SesConfig) -> str:
    return config.topic_arn.split(":")[4] if config.topic_arn else ""


def _account_of_queue(config: SesConfig) -> str:
    return urlsplit(config.queue_url).path.split("/")[1] if config.queue_url else ""
