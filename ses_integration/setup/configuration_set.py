"""The configuration set of mail that is sent: it tells the topic of bounces and complaints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ses_integration.aws import clients
from ses_integration.conf import SesConfig
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import NotFound
from ses_integration.setup.calls import permitted
from ses_integration.setup.names import MailNames

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import EventDestinationDefinitionTypeDef, EventDestinationTypeDef

DESTINATION = "inbound"
EVENTS = frozenset({"BOUNCE", "COMPLAINT"})


def set_up_configuration_set(config: SesConfig, names: MailNames, tell: Callable[[str], object]) -> None:
    """Create and repair configuration set and event destination. Raises SesError.

    SES tests the topic meanwhile, so it must let SES publish by now. Other event destinations stay as they are.
    """
    sesv2, name = clients.sesv2(config.region), names.configuration_set

    @contextmanager
    def call(operation: str) -> Iterator[None]:
        with rate_limited(config), permitted(f"ses:{operation}", names.configuration_set_arn):
            yield

    destinations: list[EventDestinationTypeDef] = []
    try:
        with call("GetConfigurationSetEventDestinations"):
            answer = sesv2.get_configuration_set_event_destinations(ConfigurationSetName=name)
            destinations = answer.get("EventDestinations", [])
    except NotFound:
        with call("CreateConfigurationSet"):
            sesv2.create_configuration_set(ConfigurationSetName=name)
        tell(f"Configuration set {name} was created.")
    if any(tells_topic(destination, names.topic_arn) for destination in destinations):
        return
    wanted: EventDestinationDefinitionTypeDef = {
        "Enabled": True,
        "MatchingEventTypes": ["BOUNCE", "COMPLAINT"],
        "SnsDestination": {"TopicArn": names.topic_arn},
    }
    if any(destination["Name"] == DESTINATION for destination in destinations):
        with call("UpdateConfigurationSetEventDestination"):
            sesv2.update_configuration_set_event_destination(
                ConfigurationSetName=name, EventDestinationName=DESTINATION, EventDestination=wanted
            )
    else:
        with call("CreateConfigurationSetEventDestination"):
            sesv2.create_configuration_set_event_destination(
                ConfigurationSetName=name, EventDestinationName=DESTINATION, EventDestination=wanted
            )
    tell(f"Configuration set {name} tells topic {names.topic} of bounces and complaints.")


def tells_topic(destination: EventDestinationTypeDef, topic_arn: str) -> bool:
    """Whether the topic gets bounces and complaints from it."""
    return (
        destination.get("Enabled", False)
        and destination.get("SnsDestination", {}).get("TopicArn") == topic_arn
        and set(destination["MatchingEventTypes"]) >= EVENTS
    )
