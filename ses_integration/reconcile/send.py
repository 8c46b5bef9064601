"""Send one planned call, once (docs/architecture/protocol.md, "Send the call")."""

from __future__ import annotations

import time

from ses_integration.aws import account, events
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import SesConfig
from ses_integration.coordination import quotas
from ses_integration.errors import (
    AlreadyExists,
    BadCredentials,
    NotConfigured,
    NotFound,
    Refused,
    RuleSetMissing,
    SesError,
    TooManyRecipients,
)
from ses_integration.plan.resources import Call, Operation
from ses_integration.reconcile.values import Answer, Intent
from ses_integration.setup.prepare import prepare


def is_failure(error: SesError, call: Call) -> bool:
    """Whether to give up the resource for this pass. The other errors are input for the next plan."""
    if isinstance(error, BadCredentials):
        # With new credentials, it is sent again at once.
        return error.needs_attention
    if isinstance(error, RuleSetMissing):
        return not call.operation.removes
    if isinstance(error, TooManyRecipients):
        return call.rule is None or not quotas.suggests_limit(len(call.rule.recipients))
    return not isinstance(error, AlreadyExists | NotFound)


def send_once(config: SesConfig, intent: Intent, deadline: float) -> Answer:
    """Send the call of an intent once, and return the answer. A SesError is part of the answer, never raised.

    With SES_AUTO_SETUP a missing rule set is created, for the next attempt.
    """
    try:
        with events.send_by(intent.send_by):
            return _call_aws(config, intent.call, deadline, intent.account)
    except RuleSetMissing as error:
        if config.auto_setup and not intent.call.operation.removes:
            try:
                prepare(config)
                return Answer(error=Refused("The receipt rule set was missing; it has been created again."))
            except SesError as setup_error:
                return Answer(error=setup_error)
        return Answer(error=error)
    except SesError as error:
        return Answer(error=error)


def _call_aws(config: SesConfig, call: Call, deadline: float, recorded_account: str | None = None) -> Answer:
    if call.rule is not None and not config.bucket:
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    verified = account.verify(config, recorded_account)
    gateway = Gateway(config, seconds=deadline - time.monotonic(), verified=verified)
    match call.operation:
        case Operation.CREATE_RULE | Operation.UPDATE_RULE:
            if call.rule is None:
                raise ValueError(f"{call.operation} without a rule")
            send = gateway.create_rule if call.operation is Operation.CREATE_RULE else gateway.update_rule
            send(call.rule)
        case Operation.DELETE_RULE:
            gateway.delete_rule(call.name)
        case Operation.CREATE_IDENTITY:
            return Answer(identity=gateway.create_identity(call.name))
        case Operation.READ_IDENTITY:
            return Answer(identity=gateway.read_identity(call.name))
        case Operation.VERIFY_DOMAIN:
            return Answer(token=gateway.verify_domain(call.name))
        case Operation.SET_MAIL_FROM:
            return Answer(mail_from=gateway.set_mail_from(call.name, call.mail_from))
        case Operation.DELETE_IDENTITY:
            gateway.delete_identity(call.name)
    return Answer()
