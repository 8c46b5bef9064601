"""What the emulated SES holds, and calls whose sender has given up, which land when a test says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from inbound.tests.life.rows import HeldRule
from ses_integration.aws.gateway import OWNER_TAG
from ses_integration.conf import ses_config
from ses_integration.emulator.journal import NO_ANSWER
from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client, control

CHANGES = ("Create", "Update", "Delete", "Set", "Verify")


@dataclass(frozen=True)
class ObservedIdentity:
    tagged: bool
    mail_from: str | None


@dataclass(frozen=True)
class SeenSes:
    """Rules and domain identities by name."""

    rules: dict[str, HeldRule]
    identities: dict[str, ObservedIdentity]

    def rules_of(self, domain: str) -> dict[str, HeldRule]:
        """The rules that take mail for this very domain, whatever they are called."""
        return {
            name: rule
            for name, rule in self.rules.items()
            if any(recipient.rpartition("@")[2] == domain for recipient in rule.recipients)
        }

    def holds(self, recipient: str) -> bool:
        return any(recipient in rule.recipients for rule in self.rules.values())


@dataclass(frozen=True)
class LateCall:
    """A call that went out and got no answer, and that SES has not applied yet."""

    service: str
    action: str
    parameters: dict[str, Any]

    def __str__(self) -> str:
        rule = self.parameters.get("Rule", {})
        what = [rule.get("Name"), *rule.get("Recipients", [])] if rule else list(self.parameters.values())
        return f"{self.action} {what}"

    def land(self, ses: Emulator) -> None:
        """SES applies it now; a refusal is heard by nobody."""
        aws = client(self.service, ses.url)
        try:
            getattr(aws, xform_name(self.action))(**self.parameters)
        except aws.exceptions.ClientError:
            return


def look(ses: Emulator) -> SeenSes:
    """Costs no call to SES."""
    _, regions = control(ses.url, "GET", "/_ses")
    region = regions.get("eu-west-1", {"rule_sets": {}, "identities": []})
    rules = region["rule_sets"].get(ses_config().rule_set, [])
    return SeenSes(
        rules={
            rule["Name"]: HeldRule(
                frozenset(rule["Recipients"]),
                next((action["S3Action"]["ObjectKeyPrefix"] for action in rule["Actions"] if "S3Action" in action), ""),
            )
            for rule in rules
        },
        identities={
            identity["name"]: ObservedIdentity(
                tagged={"Key": OWNER_TAG, "Value": ses_config().installation_id} in identity["tags"],
                mail_from=identity["mail_from"],
            )
            for identity in region["identities"]
        },
    )


def late_calls(ses: Emulator) -> list[LateCall]:
    """Those of the journal that went unanswered and were not applied: in this test they are not lost, but late."""
    return [
        LateCall(entry["service"], entry["action"], entry["parameters"])
        for entry in ses.journal()
        if entry["service"] in ("ses", "sesv2")
        and entry["status"] == NO_ANSWER
        and not entry["applied"]
        and entry["action"].startswith(CHANGES)
    ]
