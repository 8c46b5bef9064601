"""Checks of the topic and of who gets its notifications. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_integration.doctor.checks.permissions import not_proven
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, warning
from ses_integration.setup.policies import Statement, statements

SET_UP = "Run `python manage.py ses_setup`."
NO_TOPIC = "NotFound"
PENDING = "PendingConfirmation"
SHA_1 = "1"


def not_allowed(check: str, action: str) -> CheckResult:
    """A call that only `ses_doctor` and `ses_setup` make was denied."""
    return warning(
        check, f"Not checked: {action} is not allowed.", "Allow it to enable this check; reading mail does not need it."
    )


def check_topic(name: str, response: Response, *, signed: bool) -> CheckResult:
    """`signed`: whether we verify the topic's signatures."""
    if response.code == NO_TOPIC:
        return failed("topic", f"There is no topic {name}.", f"Correct SES_TOPIC_ARN, or create it. {SET_UP}")
    if response.denied:
        return not_allowed("topic", "sns:GetTopicAttributes")
    if not response.succeeded:
        return not_proven("topic", response)
    version = response.body["Attributes"].get("SignatureVersion", SHA_1)
    if signed and version == SHA_1:
        return warning("topic", f"{name} exists, and signs with SHA-1.", SET_UP)
    return ok("topic", f"{name} exists.")


def check_topic_policy(response: Response) -> CheckResult:
    """Whether the policy lets SES publish, and not everybody. `response`: to GetTopicAttributes."""
    if response.denied:
        return not_allowed("topic policy", "sns:GetTopicAttributes")
    if not response.succeeded:
        return not_proven("topic policy", response)
    found = statements(response.body["Attributes"].get("Policy", ""))
    if strangers := [name_of(statement) for statement in found if _admits_anybody(statement, "sns:publish")]:
        return failed(
            "topic policy",
            f"Anybody may publish ({', '.join(strangers)}): notifications can be forged.",
            "Remove the statement from the topic's policy, or give it a condition.",
        )
    if not any(_allows_service(statement, "sns:publish", "ses.amazonaws.com") for statement in found):
        # SES may publish all the same: its documents ask for a statement for other accounts only.
        return warning("topic policy", "It has no statement for SES.", SET_UP)
    return ok("topic policy", "It lets SES publish.")


def check_subscription(queue_arn: str, response: Response) -> CheckResult:
    """Whether the queue, or without one any URL, gets the notifications. `response`: to ListSubscriptionsByTopic."""
    if response.denied:
        return not_allowed("subscription", "sns:ListSubscriptionsByTopic")
    if not response.succeeded:
        return not_proven("subscription", response)
    found = subscriptions_of(queue_arn, response)
    if not found:
        if queue_arn:
            return failed("subscription", "The queue does not get the topic's notifications.", SET_UP)
        return failed(
            "subscription",
            "The topic posts to no URL.",
            "Run `python manage.py ses_setup --mail --url https://HOST/hooks/sns` with your host.",
        )
    endpoints = ", ".join(subscription["Endpoint"] for subscription in found)
    if all(subscription["SubscriptionArn"] == PENDING for subscription in found):
        return failed(
            "subscription",
            f"{endpoints} has not confirmed that it wants notifications.",
            "Start the web process, and run the same `ses_setup --mail --url` again: it confirms by itself.",
        )
    return ok("subscription", f"{endpoints} gets the topic's notifications.")


def subscriptions_of(queue_arn: str, response: Response) -> list[Mapping[str, Any]]:
    """Subscriptions of the queue, or without one those of URLs."""
    return [
        subscription
        for subscription in response.body.get("Subscriptions", [])
        if (subscription["Endpoint"] == queue_arn if queue_arn else subscription["Protocol"] in ("http", "https"))
    ]


def check_delivery(response: Response, *, raw: bool) -> CheckResult:
    """How notifications are delivered. `raw`: to a queue. `response`: to GetSubscriptionAttributes."""
    if response.denied:
        return not_allowed("delivery", "sns:GetSubscriptionAttributes")
    if not response.succeeded:
        return not_proven("delivery", response)
    attributes = response.body["Attributes"]
    if attributes.get("FilterPolicy", "{}") not in ("", "{}"):
        return failed(
            "delivery", "A filter policy keeps notifications away.", "Remove the filter policy from the subscription."
        )
    is_raw = attributes.get("RawMessageDelivery", "false").lower() == "true"
    if is_raw and not raw:
        return failed("delivery", "Notifications are posted without a signature, so all are refused.", SET_UP)
    if raw and not is_raw:
        return warning("delivery", "Notifications are wrapped. They are read all the same.", SET_UP)
    return ok("delivery", "Notifications are delivered bare." if raw else "Notifications are signed.")


def _allows_service(statement: Statement, action: str, service: str) -> bool:
    """Whether it lets an AWS service make the call, perhaps under a condition."""
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, Mapping) else []
    return allows(statement, action) and service in listed(services)


def _admits_anybody(statement: Statement, action: str) -> bool:
    """Whether it lets everybody make the call, without any condition."""
    principal = statement.get("Principal", {})
    accounts = principal.get("AWS", []) if isinstance(principal, Mapping) else principal
    return allows(statement, action) and "*" in listed(accounts) and not statement.get("Condition")


def allows(statement: Statement, action: str) -> bool:
    """Whether it allows the call to somebody. `action` in lower case."""
    actions = [each.lower() for each in listed(statement.get("Action", []))]
    return statement.get("Effect") == "Allow" and bool({action, f"{action.partition(':')[0]}:*", "*"} & set(actions))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def name_of(statement: Statement) -> str:
    return str(statement.get("Sid") or "a statement without Sid")
