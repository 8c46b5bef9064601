"""Check what forwarding needs: the account's limits, the permission to send, and that bounces come back."""

from __future__ import annotations

from ses_integration.doctor.checklist import Checklist
from ses_integration.doctor.checks import ses
from ses_integration.doctor.checks.permissions import check_permission
from ses_integration.doctor.probes.permissions import ACCOUNT, CONFIGURATION_SET, FEEDBACK, SEND
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.session import AwsSession


def check_sending(checklist: Checklist, aws: AwsSession) -> None:
    """Add the results. No mail reaches anybody. Without SES_CONFIGURATION_SET nothing fails: perhaps no mail is forwarded."""
    name = aws.config.configuration_set
    checklist.check("sending", ("SES",), lambda: ses.check_account(ACCOUNT.run(aws)))
    checklist.check(
        SEND.name,
        ("SES",),
        lambda: ses.check_send_permission(SEND.resource(aws), SEND.run(aws), needed=bool(name)),
    )
    if name:
        checklist.check(
            FEEDBACK.name, ("SES",), lambda: check_permission(FEEDBACK.name, FEEDBACK.resource(aws), FEEDBACK.run(aws))
        )
    checklist.check(
        "bounces",
        ("SES",),
        lambda: ses.check_bounces(name, aws.config.topic_arn, CONFIGURATION_SET.run(aws) if name else Response()),
    )
