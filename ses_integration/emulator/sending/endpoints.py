"""Control endpoints for mail that is sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ses_integration.emulator.control.endpoints import Endpoints, InvalidBody
from ses_integration.emulator.sending.outbox import SentMail
from ses_integration.emulator.sending.service import Sending
from ses_integration.emulator.ses.service import Ses
from ses_integration.emulator.state.sending.limits import InvalidLimits
from ses_integration.emulator.wire.responses import Response, json_response


class SendingEndpoints:
    """`/_outbox` and `/_sending`."""

    def __init__(self, ses: Ses, sending: Sending) -> None:
        self._ses = ses
        self._sending = sending

    def endpoints(self) -> Endpoints:
        return {
            ("GET", "/_outbox"): lambda body: self.listed(),
            ("GET", "/_outbox/*"): self._raw,
            ("DELETE", "/_outbox"): lambda body: self._clear(),
            ("POST", "/_outbox/bounce"): self.bounce,
            ("POST", "/_outbox/complain"): self.complain,
            ("GET", "/_sending"): lambda body: self._limits(),
            ("POST", "/_sending"): self.set_limits,
        }

    def listed(self) -> list[dict[str, Any]]:
        """The mails, oldest first."""
        return [mail.as_dict() for mail in self._sending.outbox.mails()]

    def bounce(self, body: Any) -> dict[str, Any]:
        """Let the mail bounce. Returns who has been told."""
        mail, recipient = self._named(body, "permanent")
        permanent = body.get("permanent", True)
        if not isinstance(permanent, bool):
            raise InvalidBody("'permanent' is true or false.")
        return self._sending.bounce(mail, recipient, permanent=permanent)

    def complain(self, body: Any) -> dict[str, Any]:
        """Let the recipient complain."""
        return self._sending.complain(*self._named(body))

    def set_limits(self, body: Any) -> object:
        with self._ses.lock:
            try:
                self._ses.accounts.limits.change(body)
            except InvalidLimits as error:
                raise InvalidBody(str(error)) from error
        return self._limits()

    def _raw(self, ses_id: str) -> Response:
        """The mail as it was sent."""
        mail = self._sending.outbox.find(ses_id)
        if mail is None:
            return json_response({"error": f"There is no mail {ses_id}."}, HTTPStatus.NOT_FOUND)
        return Response(HTTPStatus.OK, [("Content-Type", "message/rfc822")], mail.raw)

    def _clear(self) -> list[object]:
        self._sending.outbox.clear()
        return []

    def _limits(self) -> object:
        with self._ses.lock:
            return self._ses.accounts.limits.as_dict()

    def _named(self, body: Any, *more: str) -> tuple[SentMail, str]:
        """The mail and its recipient, by default the only one."""
        if not isinstance(body, dict) or "messageId" not in body or set(body) - {"messageId", "recipient", *more}:
            members = ", ".join(f"'{name}'" for name in ("recipient", *more))
            raise InvalidBody(f"The body has 'messageId' and may have {members}.")
        mail = self._sending.outbox.find(str(body["messageId"]))
        if mail is None:
            raise InvalidBody(f"There is no mail {body['messageId']}.")
        recipient = body.get("recipient", mail.recipients[0])
        if recipient not in mail.recipients:
            raise InvalidBody(f"'recipient' is one of {', '.join(mail.recipients)}.")
        return mail, recipient
