"""Subscriptions over HTTP(S), and attributes that moto leaves out (Amazon SNS API Reference)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.sns.exceptions import SNSException
from moto.sns.models import sns_backends

from ses_integration.emulator.sns.subscriptions import Subscription, signature_version
from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.errors import AwsError, error_response
from ses_integration.emulator.wire.responses import Response
from ses_integration.emulator.wire.serialize import serialized

_PENDING = "pending confirmation"


def serves(call: Call) -> bool:
    """Whether `serve` answers the call. moto answers the others."""
    if call.service != "sns" or call.action not in _OPERATIONS:
        return False
    return call.action != "Subscribe" or call.parameters.get("Protocol") in ("http", "https", "sqs")


def serve(call: Call) -> Response:
    """Return the response, even if it is an error."""
    try:
        return serialized(call, _OPERATIONS[call.action](call))
    except AwsError as error:
        return error_response("sns", error)


def _subscribe(call: Call) -> dict[str, Any]:
    """Over HTTP, wait for the confirmation. A second call for an endpoint that has not confirmed sends the token again."""
    protocol, endpoint = call.parameters["Protocol"], str(call.parameters.get("Endpoint", ""))
    if protocol != "sqs" and not endpoint.startswith(f"{protocol}://"):
        raise AwsError("InvalidParameter", f"Invalid parameter: Endpoint must match the specified protocol {protocol}")
    topic = _topic(call)
    try:
        subscription: Subscription = topic.sns_backend.subscribe(topic.arn, endpoint, protocol)
        for name, value in call.parameters.get("Attributes", {}).items():
            topic.sns_backend.set_subscription_attributes(subscription.arn, name, value)
    except SNSException as error:
        raise AwsError(str(error.code), str(error.message)) from error
    # Links in messages must reach this emulator.
    subscription.base_url = f"{call.environ.get('wsgi.url_scheme', 'http')}://{call.environ.get('HTTP_HOST', '')}"
    if _is_pending(subscription):
        subscription.attributes["PendingConfirmation"] = True
        subscription.ask_for_confirmation()
    shown = not _is_pending(subscription) or call.parameters.get("ReturnSubscriptionArn")
    return {"SubscriptionArn": subscription.arn if shown else _PENDING}


def _confirm(call: Call) -> dict[str, Any]:
    topic = _topic(call)
    for subscription in topic.sns_backend._get_topic_subscriptions(topic):
        if subscription.token and subscription.token == call.parameters.get("Token"):
            subscription.confirmed = True
            subscription.attributes["PendingConfirmation"] = False
            return {"SubscriptionArn": subscription.arn}
    raise AwsError("InvalidParameter", "Invalid parameter: Token")


def _list(call: Call) -> dict[str, Any]:
    """All subscriptions in one page. One that is not confirmed has no ARN."""
    backend = sns_backends[call.account][call.region]
    found = list(backend.subscriptions.values())
    if call.action == "ListSubscriptionsByTopic":
        found = backend._get_topic_subscriptions(_topic(call))
    return {
        "Subscriptions": [
            {
                "SubscriptionArn": "PendingConfirmation" if _is_pending(item) else item.arn,
                "Owner": item.account_id,
                "Protocol": item.protocol,
                "Endpoint": item.endpoint,
                "TopicArn": item.topic.arn,
            }
            for item in found
        ]
    }


def _topic_attributes(call: Call) -> dict[str, Any]:
    topic = _topic(call)
    found = topic.sns_backend._get_topic_subscriptions(topic)
    pending = sum(map(_is_pending, found))
    attributes = {
        "Owner": topic.account_id,
        "Policy": topic.policy,
        "TopicArn": topic.arn,
        "DisplayName": topic.display_name,
        "SubscriptionsPending": str(pending),
        "SubscriptionsConfirmed": str(len(found) - pending),
        "SubscriptionsDeleted": "0",
        "DeliveryPolicy": topic.delivery_policy,
        "EffectiveDeliveryPolicy": topic.effective_delivery_policy,
        "SignatureVersion": signature_version(topic),
        "KmsMasterKeyId": topic.kms_master_key_id,
    }
    return {"Attributes": {name: value for name, value in attributes.items() if value}}


def _is_pending(subscription: Subscription) -> bool:
    return subscription.is_http and not subscription.confirmed


def _topic(call: Call) -> Any:
    arn = str(call.parameters.get("TopicArn", ""))
    topic = sns_backends[call.account][call.region].topics.get(arn)
    if topic is None:
        raise AwsError("NotFound", "Topic does not exist", status=404)
    return topic


_OPERATIONS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "Subscribe": _subscribe,
    "ConfirmSubscription": _confirm,
    "ListSubscriptions": _list,
    "ListSubscriptionsByTopic": _list,
    "GetTopicAttributes": _topic_attributes,
}
