"""Statements in the policies of topic and queue, and merging them into what is there. Pure.

A statement is ours by its Sid. Others are never changed or removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ses_integration.setup.names import MailNames

Statement = Mapping[str, Any]

QUEUE_SID = "InboundTopicSends"


def ses_publishes(names: MailNames, rule_set: str) -> Statement:
    """Let SES publish for the rules of our rule set. Other installations may use the same topic with their own rule sets."""
    return _ses_may(names, "InboundSesPublishes", rule_set, names.rules_arn(rule_set))


def ses_tells_events(names: MailNames) -> Statement:
    """Let SES publish events of mail that was sent with our configuration set."""
    return _ses_may(names, "InboundSesTellsEvents", names.configuration_set, names.configuration_set_arn)


def _ses_may(names: MailNames, sid: str, of: str, source_arn: str) -> Statement:
    words = re.findall(r"[A-Za-z0-9]+", of)
    return {
        "Sid": sid + "".join(f"{word[0].upper()}{word[1:]}" for word in words),
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": names.topic_arn,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": names.account},
            "ArnLike": {"AWS:SourceArn": source_arn},
        },
    }


def topic_sends(names: MailNames) -> Statement:
    """Let our topic, and nobody else, send to the queue."""
    return {
        "Sid": QUEUE_SID,
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": names.queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": names.topic_arn}},
    }


def policy_of(statement: Statement) -> str:
    """A policy with nothing but this statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def merge(policy: str, statement: Statement) -> str:
    """The policy with our statement in place of an earlier one of its Sid, or an empty string if it is there already."""
    if not policy:
        return policy_of(statement)
    if holds(policy, statement):
        return ""
    document = json.loads(policy)
    others = [other for other in statements(policy) if other.get("Sid") != statement["Sid"]]
    return json.dumps({**document, "Statement": [*others, statement]})


def holds(policy: str, statement: Statement) -> bool:
    """Whether the policy has this statement, however AWS writes it."""
    return any(_plain(other) == _plain(statement) for other in statements(policy))


def statements(policy: str) -> list[Statement]:
    """The statements of a policy. One statement need not be in a list (IAM User Guide, "Grammar of the JSON policy language")."""
    found = json.loads(policy).get("Statement", []) if policy else []
    return found if isinstance(found, list) else [found]


def _plain(value: Any, name: str = "") -> Any:
    """A form in which equal statements are equal: names and actions have no case, and a list of one is its element."""
    if isinstance(value, Mapping):
        return {key.lower(): _plain(member, key.lower()) for key, member in value.items()}
    if isinstance(value, list):
        return _plain(value[0], name) if len(value) == 1 else sorted(str(_plain(member, name)) for member in value)
    return value.lower() if name == "action" else value
