"""What SES holds and what it was asked, for assertions; looked at through the wire like any AWS client would."""

from __future__ import annotations

from typing import Any

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator

READS = ("Describe", "List", "Get")


def rules() -> dict[str, set[str]]:
    """The recipients of every rule, by the rule's name."""
    return {rule.name: set(rule.recipients) for rule in Gateway(ses_config()).rules()}


def identities() -> set[str]:
    return set(Gateway(ses_config()).identities().domains)


def calls(ses: Emulator) -> list[str]:
    """The actions that SES was asked for, without looks; in the order of arrival."""
    return [
        entry["action"]
        for entry in ses.journal()
        if entry["service"] in ("ses", "sesv2") and not entry["action"].startswith(READS)
    ]


def recipients_sent(ses: Emulator) -> list[list[str]]:
    """The recipients of every rule that was ever created or updated."""
    return [
        _recipients(entry) for entry in ses.journal() if entry["action"] in ("CreateReceiptRule", "UpdateReceiptRule")
    ]


def _recipients(entry: dict[str, Any]) -> list[str]:
    found: list[str] = entry["parameters"]["Rule"].get("Recipients", [])
    return found
