"""SES API v2 (2019-09-27): the account, configuration sets, and feedback of identities.

Each function is the operation of that name in the SES API v2 Reference. `sending` has SendEmail.
"""

from __future__ import annotations

from ses_integration.emulator.ses.v1 import Operation, Parameters, Result
from ses_integration.emulator.ses.v2 import existing
from ses_integration.emulator.state.accounts import SesRegion
from ses_integration.emulator.state.sending.limits import UNLIMITED_RATE


def send_quota(ses: SesRegion) -> Result:
    """-1 stands for no daily quota."""
    quota = ses.sending.limits.quota
    return {
        "Max24HourSend": -1.0 if quota is None else float(quota),
        "MaxSendRate": ses.sending.limits.rate or UNLIMITED_RATE,
        "SentLast24Hours": float(ses.sending.sent_in_a_day),
    }


def get_account(ses: SesRegion, parameters: Parameters) -> Result:
    limits = ses.sending.limits
    return {
        "DedicatedIpAutoWarmupEnabled": False,
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": not limits.sandbox,
        "SendQuota": send_quota(ses),
        "SendingEnabled": not limits.paused,
        "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
    }


def put_account_sending_attributes(ses: SesRegion, parameters: Parameters) -> None:
    ses.sending.limits.paused = not parameters.get("SendingEnabled", False)


def get_configuration_set(ses: SesRegion, parameters: Parameters) -> Result:
    found = ses.configuration_sets.find(parameters["ConfigurationSetName"])
    return {"ConfigurationSetName": found.name, "SendingOptions": {"SendingEnabled": True}, "Tags": found.tags}


def get_event_destinations(ses: SesRegion, parameters: Parameters) -> Result:
    found = ses.configuration_sets.find(parameters["ConfigurationSetName"])
    return {"EventDestinations": list(found.destinations.values())}


def create_event_destination(ses: SesRegion, parameters: Parameters) -> None:
    _put_event_destination(ses, parameters, new=True)


def update_event_destination(ses: SesRegion, parameters: Parameters) -> None:
    _put_event_destination(ses, parameters, new=False)


def put_email_identity_feedback_attributes(ses: SesRegion, parameters: Parameters) -> None:
    existing(ses, parameters["EmailIdentity"]).feedback_forwarding = bool(
        parameters.get("EmailForwardingEnabled", False)
    )


def put_email_identity_configuration_set_attributes(ses: SesRegion, parameters: Parameters) -> None:
    """The configuration set of mail that names none. Without a name, there is none."""
    identity = existing(ses, parameters["EmailIdentity"])
    name = parameters.get("ConfigurationSetName", "")
    identity.configuration_set = ses.configuration_sets.find(name).name if name else ""


def _put_event_destination(ses: SesRegion, parameters: Parameters, *, new: bool) -> None:
    ses.configuration_sets.put_destination(
        parameters["ConfigurationSetName"], parameters["EventDestinationName"], parameters["EventDestination"], new=new
    )
    if topic := parameters["EventDestination"].get("SnsDestination"):
        ses.topic_tested(topic["TopicArn"])


OPERATIONS: dict[str, Operation] = {
    "GetAccount": get_account,
    "PutAccountSendingAttributes": put_account_sending_attributes,
    "CreateConfigurationSet": lambda ses, p: ses.configuration_sets.create(
        p["ConfigurationSetName"], p.get("Tags", [])
    ),
    "GetConfigurationSet": get_configuration_set,
    "ListConfigurationSets": lambda ses, p: {"ConfigurationSets": ses.configuration_sets.names()},
    "DeleteConfigurationSet": lambda ses, p: ses.configuration_sets.delete(p["ConfigurationSetName"]),
    "CreateConfigurationSetEventDestination": create_event_destination,
    "GetConfigurationSetEventDestinations": get_event_destinations,
    "UpdateConfigurationSetEventDestination": update_event_destination,
    "DeleteConfigurationSetEventDestination": lambda ses, p: ses.configuration_sets.delete_destination(
        p["ConfigurationSetName"], p["EventDestinationName"]
    ),
    "PutEmailIdentityFeedbackAttributes": put_email_identity_feedback_attributes,
    "PutEmailIdentityConfigurationSetAttributes": put_email_identity_configuration_set_attributes,
}
