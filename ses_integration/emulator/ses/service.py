"""Dispatch a call to SES v1 or v2: rate limit, operation, serialised response."""

from __future__ import annotations

import threading

from moto.core.utils import get_service_model

from ses_integration.emulator.ses import v1, v2, v2_sending
from ses_integration.emulator.ses.call_rate import CallRate, is_limited
from ses_integration.emulator.state.accounts import SesAccounts
from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.errors import AwsError, error_response, throttled
from ses_integration.emulator.wire.responses import Response
from ses_integration.emulator.wire.serialize import serialized

_OPERATIONS = {
    "ses": v1.OPERATIONS | {"GetSendQuota": lambda ses, _: v2_sending.send_quota(ses)},
    "sesv2": v2.OPERATIONS | v2_sending.OPERATIONS,
}

SERVICES = frozenset(_OPERATIONS)


class Ses:
    """Both SES APIs on the same state. Calls run one at a time, so each is atomic."""

    def __init__(self, accounts: SesAccounts, rate: CallRate) -> None:
        self.accounts = accounts
        self.rate = rate
        self.lock = threading.RLock()

    def serve(self, call: Call) -> Response:
        """Return the response to the call, even if it is an error."""
        try:
            with self.lock:
                return self._apply(call)
        except AwsError as error:
            return refused(call, error)

    def _apply(self, call: Call) -> Response:
        if is_limited(call.service, call.action) and not self.rate.accepts(call.account, call.region):
            raise throttled(call.service)
        operation = _OPERATIONS[call.service].get(call.action)
        if operation is None:
            raise AwsError("NotImplemented", f"The emulator does not have {call.service}:{call.action}.", status=501)
        check_required(call)
        result = operation(self.accounts.region(call.account, call.region), call.parameters)
        return serialized(call, result)


def refused(call: Call, error: AwsError) -> Response:
    """The error in the format and with the code of the API's version."""
    return error_response(call.service, v2.translate_error(error) if call.service == "sesv2" else error)


def check_required(call: Call) -> None:
    """Raise AwsError for a missing parameter. botocore checks this before it sends; other clients may not."""
    shape = get_service_model(call.service).operation_model(call.action).input_shape
    missing = [name for name in (shape.required_members if shape else ()) if name not in call.parameters]
    if not missing:
        return
    code = "BadRequestException" if call.service == "sesv2" else "ValidationError"
    raise AwsError(
        code,
        f"1 validation error detected: Value null at '{missing[0]}' failed to satisfy constraint: Member must not be null",
    )
