"""What SNS posts to `/hooks/sns`: notifications, and the question whether we want them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ses_integration.arrivals.arrival import Arrival
from ses_integration.arrivals.certificates import certificate
from ses_integration.arrivals.feedback import Feedback
from ses_integration.arrivals.notification import read_notification
from ses_integration.arrivals.probe import record_probe
from ses_integration.arrivals.signature import Forged, verify
from ses_integration.aws import clients
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured

MOST_BYTES = 256 * 1024
# SNS gives up after an hour at most. Somebody else may have kept a message for longer, even until its mail was deleted.
OLDEST = timedelta(hours=2)

logger = logging.getLogger(__name__)


def receive_post(body: bytes) -> Arrival | Feedback | None:
    """The stored mail or the bounce that a posted message tells of, if it does. Confirms a subscription of our topic.

    Raises Forged unless SNS has signed the message for SES_TOPIC_ARN, and SesError if that cannot be found out now.
    """
    topic = ses_config().topic_arn
    if not topic:
        raise NotConfigured("SES_TOPIC_ARN is missing.")
    message = _read(body)
    # First, because anybody's topic has validly signed messages.
    if message.get("TopicArn") != topic:
        raise Forged("The message is from another topic.")
    _require_recent(message)
    region = topic.split(":")[3]
    verify(message, certificate(message.get("SigningCertURL", ""), region))
    if message["Type"] == "SubscriptionConfirmation":
        _confirm(region, topic, message["Token"])
        return None
    if message["Type"] == "UnsubscribeConfirmation":
        logger.warning("A subscription of %s has ended. Nothing tells of new mail here, except the sweep.", topic)
        return None
    found = read_notification(message["Message"])
    if not isinstance(found, str):
        return found
    record_probe(message["Message"])
    logger.info("Ignored a notification: %s", found)
    return None


def _read(body: bytes) -> Mapping[str, str]:
    """The members that are texts. Nothing else in a message counts."""
    if len(body) > MOST_BYTES:
        raise Forged("The message is too long.")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Forged("The message is not JSON.") from None
    if not isinstance(message, dict):
        raise Forged("The message is not a JSON object.")
    return {name: value for name, value in message.items() if isinstance(value, str)}


def _require_recent(message: Mapping[str, str]) -> None:
    try:
        sent = datetime.fromisoformat(message.get("Timestamp", ""))
        if datetime.now(UTC) - sent <= OLDEST:
            return
    except (ValueError, TypeError, OverflowError):  # TypeError: without a zone
        raise Forged("The message has no time.") from None
    raise Forged("The message is old.")


def _confirm(region: str, topic: str, token: str) -> None:
    """Confirm by a call to AWS. The URL in the message is never fetched."""
    clients.require_credentials(region)
    with aws_errors("ConfirmSubscription"):
        clients.sns(region).confirm_subscription(
            TopicArn=topic,
            Token=token,
            # Otherwise the link in any message of the topic ends the subscription.
            AuthenticateOnUnsubscribe="true",
        )
    logger.info("Confirmed a subscription of %s.", topic)
