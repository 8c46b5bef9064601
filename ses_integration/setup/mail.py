"""Set up what reading and sending mail need: SES publishes to a topic, and the topic sends to a queue or posts to a URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ses_integration.aws import account, clients
from ses_integration.conf import SesConfig, mail_source
from ses_integration.setup.configuration_set import set_up_configuration_set
from ses_integration.setup.names import mail_names
from ses_integration.setup.policies import ses_publishes, ses_tells_events
from ses_integration.setup.queues import set_up_queues
from ses_integration.setup.topic import Subscriber, set_up_subscription, set_up_topic


@dataclass(frozen=True, slots=True)
class MailPlace:
    """What the environment needs to name. `queue_url` is empty if notifications are posted to a URL, and `configuration_set` if
    there is none."""

    topic_arn: str
    queue_url: str = ""
    configuration_set: str = ""


def is_configured(config: SesConfig) -> bool:
    """Whether the settings name what reading mail needs, so that a plain `ses_setup` repairs it."""
    source = mail_source()
    return bool(config.topic_arn) and (source == "sns" or (source == "sqs" and bool(config.queue_url)))


def set_up_mail(config: SesConfig, tell: Callable[[str], object], *, url: str = "", sending: bool = False) -> MailPlace:
    """Create and repair topic, queues, policies and subscription, in an order in which nothing is lost. Raises SesError.

    `url`: where SNS posts notifications; then there is no queue. With MAIL_SOURCE=sns and no `url`, only the topic is set up.
    `sending`: also set up a configuration set for mail that is sent.
    """
    sns = clients.sns(config.region)
    names = mail_names(config, sns.meta.partition, account.of_credentials(config))
    admitted = [ses_publishes(names, config.rule_set), *([ses_tells_events(names)] if sending else [])]
    queue_url = ""
    if url or mail_source() == "sns":
        set_up_topic(sns, names, admitted, tell)
        if url:
            set_up_subscription(sns, names.topic_arn, Subscriber(url.partition(":")[0], url), tell)
    else:
        # The queue takes what the topic sends, and is subscribed, before any rule can name the topic.
        queue_url = set_up_queues(clients.sqs(config.region), names, config.queue_url, tell)
        set_up_topic(sns, names, admitted, tell)
        set_up_subscription(sns, names.topic_arn, Subscriber("sqs", names.queue_arn), tell)
    if sending:
        set_up_configuration_set(config, names, tell)
    return MailPlace(names.topic_arn, queue_url, names.configuration_set if sending else "")
