"""SendEmail and SendRawEmail (SES API Reference, versions 1 and 2), and what becomes of the mail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from uuid import uuid4

from ses_integration.emulator.receiving.mailroom import MailboxUnavailable, Mailroom
from ses_integration.emulator.receiving.setup_notification import EVENTS_SUBJECT
from ses_integration.emulator.sending import content, feedback
from ses_integration.emulator.sending.outbox import Outbox, SentMail
from ses_integration.emulator.ses.service import Ses, check_required, refused
from ses_integration.emulator.state.accounts import SesRegion
from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.errors import AwsError
from ses_integration.emulator.wire.responses import Response
from ses_integration.emulator.wire.serialize import serialized

# Amazon SES service quotas, "Message quotas", encoded in base64.
MOST_BYTES = {"ses": 10 * 1024 * 1024, "sesv2": 40 * 1024 * 1024}
# Amazon SES Developer Guide, "Using the mailbox simulator": it bounces or complains by itself, and is no real recipient.
SIMULATOR = "simulator.amazonses.com"

_CALLS = {("ses", "SendRawEmail"), ("sesv2", "SendEmail")}


@dataclass(frozen=True)
class _Request:
    """What both versions of the API say."""

    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    feedback_to: str
    configuration_set: str
    tags: dict[str, str]


class Sending:
    """Sends mail: into the outbox, and to the rules of this emulator if they receive for the recipient. Thread-safe."""

    def __init__(self, ses: Ses, mailroom: Mailroom) -> None:
        self._ses = ses
        self._mailroom = mailroom
        self.outbox = Outbox()

    def serves(self, call: Call) -> bool:
        return (call.service, call.action) in _CALLS

    def serve(self, call: Call) -> Response:
        """Return the response, even if it is an error. The mail has arrived when this returns."""
        try:
            check_required(call)
            with self._ses.lock:
                mail = self._accepted(self._ses.accounts.region(call.account, call.region), call)
        except AwsError as error:
            return refused(call, error)
        self._deliver(mail)
        return serialized(call, {"MessageId": mail.ses_id})

    def bounce(self, mail: SentMail, recipient: str, *, permanent: bool) -> dict[str, Any]:
        """Publish a bounce, and mail it to the sender unless the identity has that off and a topic knows of it."""
        at = datetime.now(UTC)
        event = feedback.bounce_event(mail, recipient, permanent=permanent, at=at)
        topics = self._publish(mail, "BOUNCE", event)
        with self._ses.lock:
            identity = mail.region.identities.sender(mail.sender)
        mailed = ""
        if not topics or identity is None or identity.feedback_forwarding:
            report = feedback.bounce_mail(mail, recipient, permanent=permanent, at=at)
            mailed = mail.feedback_to if self._receive("", [mail.feedback_to], report) else ""
        return {"published": topics, "mailed": mailed}

    def complain(self, mail: SentMail, recipient: str) -> dict[str, Any]:
        """Publish a complaint. The emulator does not mail it."""
        event = feedback.complaint_event(mail, recipient, at=datetime.now(UTC))
        return {"published": self._publish(mail, "COMPLAINT", event), "mailed": ""}

    def _accepted(self, region: SesRegion, call: Call) -> SentMail:
        v2 = call.service == "sesv2"
        if region.sending.limits.paused:
            code = "SendingPausedException" if v2 else "AccountSendingPausedException"
            raise AwsError(code, "Email sending is disabled for this account.")
        mail = content.parse(_raw(call.parameters))
        request = _request(call.parameters, mail, v2=v2)
        content.check_recipients(request.recipients)
        content.check(mail, MOST_BYTES[call.service])
        _check_identities(region, request, mail)
        configuration_set = request.configuration_set or _default_set(region, request.sender)
        if configuration_set:
            _check_set(region, configuration_set, v2=v2)
        region.sending.count(len(request.recipients), v2=v2)
        at = datetime.now(UTC)
        ses_id = f"0102{int(at.timestamp() * 1000):012x}-{uuid4()}-000000"
        host = "email" if region.region == "us-east-1" else region.region
        return SentMail(
            ses_id=ses_id,
            region=region,
            sender=request.sender,
            recipients=request.recipients,
            feedback_to=request.feedback_to,
            configuration_set=configuration_set,
            tags=request.tags,
            at=at,
            raw=content.rewritten(mail, ses_id, f"<{ses_id}@{host}.amazonses.com>", request.sender, at),
        )

    def _deliver(self, mail: SentMail) -> None:
        self.outbox.add(mail)
        # SES is the sender of the envelope, so that bounces come back to it.
        self._receive(f"{mail.ses_id}@{mail.region.region}.amazonses.com", mail.recipients, mail.raw)
        for recipient in mail.recipients:
            local, _, domain = recipient.lower().rpartition("@")
            if domain == SIMULATOR and local.startswith("bounce"):
                self.bounce(mail, recipient, permanent=True)
            elif domain == SIMULATOR and local.startswith("complaint"):
                self.complain(mail, recipient)

    def _receive(self, sender: str, recipients: Sequence[str], raw: bytes) -> bool:
        try:
            return bool(self._mailroom.deliver(sender, recipients, raw))
        except MailboxUnavailable:
            # Somebody else receives it.
            return False

    def _publish(self, mail: SentMail, event: str, message: str) -> list[str]:
        with self._ses.lock:
            topics = mail.region.configuration_sets.topics(mail.configuration_set, event)
        for topic in topics:
            self._mailroom.publish(topic, message, EVENTS_SUBJECT)
        return topics


def _raw(parameters: Mapping[str, Any]) -> bytes:
    found = parameters.get("RawMessage") or parameters.get("Content", {}).get("Raw")
    if not found:
        raise AwsError("NotImplemented", "The emulator sends raw mail only.", status=501)
    data = found["Data"]
    return data if isinstance(data, bytes) else str(data).encode()


def _request(parameters: Mapping[str, Any], mail: content.RawMail, *, v2: bool) -> _Request:
    """SES obeys fields of the header where the call has no parameter."""
    destination = parameters.get("Destination", {}) if v2 else {"ToAddresses": parameters.get("Destinations", [])}
    named = [address for kind in ("To", "Cc", "Bcc") for address in destination.get(f"{kind}Addresses", [])]
    sender = parseaddr(parameters.get("FromEmailAddress" if v2 else "Source") or mail.value("from"))[1]
    tags = parameters.get("EmailTags" if v2 else "Tags", [])
    header_tags = re.findall(r"([\w-]+)=([\w-]+)", mail.value("x-ses-message-tags"))
    return _Request(
        raw=mail.raw,
        sender=sender,
        recipients=tuple(parseaddr(text)[1] or text for text in named) or tuple(mail.addresses("to", "cc", "bcc")),
        feedback_to=parameters.get("FeedbackForwardingEmailAddress")
        or next(iter(mail.addresses("return-path")), sender),
        configuration_set=parameters.get("ConfigurationSetName") or mail.value("x-ses-configuration-set"),
        tags={tag["Name"]: tag["Value"] for tag in tags} or dict(header_tags),
    )


def _check_identities(region: SesRegion, request: _Request, mail: content.RawMail) -> None:
    """Who sends must be verified and, in the sandbox, who receives.

    SES API Reference, SendRawEmail: also the addresses of From, Sender and Return-Path.
    """
    addresses = [request.sender, *mail.addresses("from", "sender", "return-path")]
    if region.sending.limits.sandbox:
        addresses += [to for to in request.recipients if to.rpartition("@")[2].lower() != SIMULATOR]
    failed = [address for address in dict.fromkeys(addresses) if not region.identities.is_verified(address)]
    if failed:
        raise AwsError(
            "MessageRejected",
            "Email address is not verified. The following identities failed the check in region "
            f"{region.region.upper()}: {', '.join(failed)}",
        )


def _default_set(region: SesRegion, sender: str) -> str:
    identity = region.identities.sender(sender)
    return "" if identity is None else identity.configuration_set


def _check_set(region: SesRegion, name: str, *, v2: bool) -> None:
    try:
        region.configuration_sets.find(name)
    except AwsError as error:
        if v2:
            raise
        raise AwsError("ConfigurationSetDoesNotExist", error.message) from error
