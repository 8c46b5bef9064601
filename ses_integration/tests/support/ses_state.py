"""What SES holds and which calls it got, read through its API."""

from __future__ import annotations

from typing import Any

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator

READS = ("Describe", "List", "Get")


def rules() -> dict[str, set[str]]:
    """Recipients of every rule, by its name."""
    return {rule.name: set(rule.recipients) for rule in Gateway(ses_config()).rules()}


def identities() -> set[str]:
    return set(Gateway(ses_config()).identities().domains)


def calls(ses: Emulator) -> list[str]:
    """Operations that SES was called for, in order, without reads."""
    return [
        entry["action"]
        for entry in ses.journal()
        if entry["service"] in ("ses", "sesv2") and not entry["action"].startswith(READS)
    ]


def recipients_sent(ses: Emulator) -> list[list[str]]:
    """Recipients of every rule that was sent."""
    return [
        _recipients(entry) for entry in ses.journal() if entry["action"] in ("CreateReceiptRule", "UpdateReceiptRule")
    ]


def _recipients(entry: dict[str, Any]) -> list[str]:
    found: list[str] = entry["parameters"]["Rule"].get("Recipients", [])
    return found
