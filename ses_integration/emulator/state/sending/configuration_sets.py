"""Configuration sets and their event destinations (SES API v2 Reference, EventDestinationDefinition)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.sns.models import sns_backends

from ses_integration.emulator.wire.errors import AwsError

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
EVENTS = frozenset(
    ("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION")
)  # fmt: skip


@dataclass
class ConfigurationSet:
    name: str
    tags: list[dict[str, str]] = field(default_factory=list)
    # Event destinations by name, in the format of the API.
    destinations: dict[str, dict[str, Any]] = field(default_factory=dict)

    def topics(self, event: str) -> list[str]:
        """The SNS topics that get events of a type."""
        return [
            found["SnsDestination"]["TopicArn"]
            for found in self.destinations.values()
            if found["Enabled"] and event in found["MatchingEventTypes"] and "SnsDestination" in found
        ]


class ConfigurationSetStore:
    """Configuration sets of one account and region, by name. Names are case-sensitive."""

    def __init__(self) -> None:
        self._sets: dict[str, ConfigurationSet] = {}

    def find(self, name: str) -> ConfigurationSet:
        """Raises AwsError."""
        if name not in self._sets:
            raise AwsError("NotFoundException", f"Configuration set <{name}> does not exist.", status=404)
        return self._sets[name]

    def topics(self, name: str, event: str) -> list[str]:
        """The SNS topics that get events of a type. None if the set is gone."""
        found = self._sets.get(name)
        return [] if found is None else found.topics(event)

    def names(self) -> list[str]:
        return sorted(self._sets)

    def create(self, name: str, tags: list[dict[str, str]]) -> None:
        _check_name(name, "configuration set")
        if name in self._sets:
            raise AwsError("AlreadyExistsException", f"Configuration set <{name}> already exists.")
        self._sets[name] = ConfigurationSet(name, tags)

    def delete(self, name: str) -> None:
        del self._sets[self.find(name).name]

    def put_destination(self, name: str, destination: str, definition: Mapping[str, Any], *, new: bool) -> None:
        """Create an event destination, or change an existing one. What a change does not name stays."""
        held = self.find(name).destinations
        if new:
            _check_name(destination, "event destination")
            if destination in held:
                raise AwsError("AlreadyExistsException", f"Event destination <{destination}> already exists.")
        elif destination not in held:
            raise _no_destination(destination)
        merged = {"Enabled": False, "MatchingEventTypes": [], **held.get(destination, {}), **definition}
        held[destination] = {**_checked(merged), "Name": destination}

    def delete_destination(self, name: str, destination: str) -> None:
        if self.find(name).destinations.pop(destination, None) is None:
            raise _no_destination(destination)


def _check_name(name: str, kind: str) -> None:
    if not _NAME.fullmatch(name):
        raise AwsError("BadRequestException", f"Invalid {kind} name <{name}>: only A-Z, a-z, 0-9, _ and - are allowed.")


def _checked(definition: dict[str, Any]) -> dict[str, Any]:
    events = definition["MatchingEventTypes"]
    if not events or not EVENTS.issuperset(events):
        raise AwsError(
            "BadRequestException", f"Invalid MatchingEventTypes: one or more of {', '.join(sorted(EVENTS))}."
        )
    kinds = [name for name in definition if name.endswith("Destination")]
    if len(kinds) != 1:
        raise AwsError("BadRequestException", "An event destination needs exactly one destination.")
    if "SnsDestination" in definition:
        arn = str(definition["SnsDestination"].get("TopicArn", ""))
        parts = arn.split(":")
        if len(parts) != 6 or arn not in sns_backends[parts[4]][parts[3]].topics:
            raise AwsError("BadRequestException", f"SNS topic <{arn}> could not be found.")
    return definition


def _no_destination(name: str) -> AwsError:
    return AwsError("NotFoundException", f"Event destination <{name}> does not exist.", status=404)
