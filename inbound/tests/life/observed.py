"""What the emulated SES holds, and calls without an answer that a test applies later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from inbound.tests.life.rows import HeldRule
from ses_integration.aws.wire import OWNER_TAG
from ses_integration.conf import ses_config
from ses_integration.emulator.control.journal import NO_ANSWER
from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client

CHANGES = ("Create", "Update", "Delete", "Set", "Verify")


@dataclass(frozen=True)
class ObservedIdentity:
    tagged: bool
    mail_from: str | None


@dataclass(frozen=True)
class ObservedSes:
    """Rules and domain identities by name."""

    rules: dict[str, HeldRule]
    identities: dict[str, ObservedIdentity]

    def rules_of(self, domain: str) -> dict[str, HeldRule]:
        """The rules that receive for exactly this domain, whatever their names are."""
        return {
            name: rule
            for name, rule in self.rules.items()
            if any(recipient.rpartition("@")[2] == domain for recipient in rule.recipients)
        }

    def holds(self, recipient: str) -> bool:
        return any(recipient in rule.recipients for rule in self.rules.values())


@dataclass(frozen=True)
class LateCall:
    """A call that got no answer and that SES has not applied yet."""

    service: str
    action: str
    parameters: dict[str, Any]

    def __str__(self) -> str:
        rule = self.parameters.get("Rule", {})
        what = [rule.get("Name"), *rule.get("Recipients", [])] if rule else list(self.parameters.values())
        return f"{self.action} {what}"

    def apply(self, ses: Emulator) -> None:
        """Apply it now, and ignore a refusal: nobody waits for the answer."""
        aws = client(self.service, ses.url)
        try:
            getattr(aws, xform_name(self.action))(**self.parameters)
        except aws.exceptions.ClientError:
            return


def observe_ses(ses: Emulator) -> ObservedSes:
    """What SES holds. Makes no call to SES, and no other request, because this runs after every step."""
    region = ses.region("eu-west-1").as_dict()
    rules = region["rule_sets"].get(ses_config().rule_set, [])
    return ObservedSes(
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
    """The calls in the journal that got no answer and were not applied."""
    return [
        LateCall(entry["service"], entry["action"], entry["parameters"])
        for entry in ses.journal()
        if entry["service"] in ("ses", "sesv2")
        and entry["status"] == NO_ANSWER
        and not entry["applied"]
        and entry["action"].startswith(CHANGES)
    ]
