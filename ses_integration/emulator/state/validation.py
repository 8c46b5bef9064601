"""Validation of receipt rules and names, which SES does before it tests the targets of a rule's actions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.wire.errors import AwsError

Rule = dict[str, Any]

ACTIONS = frozenset(
    {
        "S3Action",
        "BounceAction",
        "WorkmailAction",
        "LambdaAction",
        "StopAction",
        "AddHeaderAction",
        "SNSAction",
        "ConnectAction",
    }
)

_NAME_CHARACTERS = re.compile(r"[a-zA-Z0-9_.-]+")
_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_LOCAL_PART = re.compile(r"[\w!#$%&'/=?^`{|}~+-]+(\.[\w!#$%&'/=?^`{|}~+-]+)*", re.ASCII)


def invalid(member: str, constraint: str) -> AwsError:
    """The `ValidationError` of AWS's API layer, raised before the service sees the call."""
    return AwsError(
        "ValidationError",
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}",
    )


def check_name(name: str, *, member: str, kind: str) -> None:
    """Validate the name of a rule or rule set.

    SES API Reference, ReceiptRule and CreateReceiptRuleSet: letters, digits, `_`, `-` and `.`, starting and
    ending with a letter or digit, at most 64 characters. Other characters are a `ValidationError`, everything else is
    `InvalidParameterValue`.
    """
    if not _NAME_CHARACTERS.fullmatch(name):
        raise invalid(member, "Member must satisfy regular expression pattern: ^[a-zA-Z0-9_.-]+$")
    if not _NAME.fullmatch(name):
        raise AwsError("InvalidParameterValue", f"Not a valid {kind}: {name}")


def check_rule(rule: Rule, quotas: Quotas) -> None:
    """Validate recipients, actions and TLS policy. The rule must have all members (`with_defaults`)."""
    _check_shape(rule)
    # SES checks the number first: 501 recipients are "too many" even if one is not valid.
    if len(rule["Recipients"]) > quotas.recipients:
        raise AwsError("LimitExceeded", "Too many recipients")
    for recipient in rule["Recipients"]:
        if not is_recipient(recipient):
            raise AwsError("InvalidParameterValue", f"Invalid recipient: {recipient}")
    if len(rule["Actions"]) > quotas.actions:
        raise AwsError("LimitExceeded", "Too many actions")
    if any("StopAction" in action for action in rule["Actions"][:-1]):
        raise AwsError("InvalidParameterValue", "Stop action, if any, must be placed at the end of the actions list")


def is_recipient(pattern: str) -> bool:
    """Whether SES accepts the pattern as a recipient.

    Amazon SES Developer Guide, "Creating receipt rules": an address, an address with a label, a domain, or `.domain`
    for all its subdomains. There are no wildcards. A top-level domain that cannot exist (`.invalid`) is refused.
    """
    local_part, at, domain = pattern.rpartition("@")
    if at:
        return len(local_part) <= 64 and _LOCAL_PART.fullmatch(local_part) is not None and is_domain(domain)
    return is_domain(domain.removeprefix("."))


@lru_cache(maxsize=1000)
def is_domain(name: str) -> bool:
    """Whether the name can be a domain: at least two labels, and a top-level domain that can exist."""
    labels = name.split(".")
    return (
        len(name) <= 253
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
        and labels[-1].lower() != "invalid"
    )


def _check_shape(rule: Rule) -> None:
    if rule["TlsPolicy"] not in ("Optional", "Require"):
        raise invalid("rule.tlsPolicy", "Member must satisfy enum value set: [Optional, Require]")
    actions: Sequence[dict[str, Any]] = rule["Actions"]
    for number, action in enumerate(actions, start=1):
        if len(action) != 1 or not ACTIONS.issuperset(action):
            raise invalid(f"rule.actions.{number}.member", "Member must hold exactly one action")
