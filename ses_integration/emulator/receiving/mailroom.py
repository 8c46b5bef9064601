"""Accept mail, store it and publish its notifications."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.s3.models import s3_backends

from ses_integration.emulator.receiving.evaluation import MatchedRule, applies, evaluate
from ses_integration.emulator.receiving.header_block import Fields, as_bytes, ses_fields
from ses_integration.emulator.receiving.mail import (
    LOCALHOST,
    MAX_HEADERS,
    Client,
    IncomingMail,
    header_fields,
)
from ses_integration.emulator.receiving.notices import Notices
from ses_integration.emulator.receiving.notification import SUBJECT, notification
from ses_integration.emulator.receiving.verdicts import ScriptedVerdicts
from ses_integration.emulator.ses.service import Ses
from ses_integration.emulator.sns.subscriptions import publish, topic_exists
from ses_integration.emulator.state.accounts import SesRegion
from ses_integration.emulator.state.validation import Rule

_ID_CHARACTERS = string.digits + string.ascii_lowercase[:22]


class MailboxUnavailable(Exception):
    """SES accepts mail for none of the recipients: 550 in SMTP."""


class ActionFailed(Exception):
    """An action's target does not exist. SES would try again for four hours, and then give up."""


@dataclass
class AcceptedMail:
    """What has become of a mail, for `GET /_mail`."""

    mail: IncomingMail
    rules: list[str] = field(default_factory=list)
    objects: list[dict[str, str]] = field(default_factory=list)
    expired: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.mail.ses_id,
            "region": self.mail.region,
            "from": self.mail.sender,
            "to": list(self.mail.recipients),
            "size": len(self.mail.raw),
            "rules": self.rules,
            "objects": self.objects,
            "publish_expired": self.expired,
        }


class Mailroom:
    """Receives mail for every region that has an active rule set. Thread-safe."""

    def __init__(self, ses: Ses) -> None:
        self._ses = ses
        self.verdicts = ScriptedVerdicts()
        self.notices = Notices()
        self._accepted: list[AcceptedMail] = []
        self._random = random.Random()  # noqa: S311 - an id of a test mail

    def accepts(self, recipient: str) -> bool:
        """Whether an enabled rule of an active set matches the recipient, and its domain is verified there."""
        with self._ses.lock:
            return any(_accepts(region, recipient) for region in self._ses.accounts.regions())

    def deliver(self, sender: str, recipients: Sequence[str], raw: bytes, client: Client = LOCALHOST) -> list[str]:
        """Receive a mail: store it and publish before this returns. Returns its SES id in each region that takes it.

        Leaves out recipients that SES would refuse. Raises MailboxUnavailable if it would refuse all of them.
        """
        with self._ses.lock:
            taken = [
                (region, accepted, evaluate(_active_rules(region), accepted))
                for region in self._ses.accounts.regions()
                if (accepted := tuple(recipient for recipient in recipients if _accepts(region, recipient)))
            ]
        if not taken:
            raise MailboxUnavailable(", ".join(recipients))
        own_fields = list(header_fields(raw, MAX_HEADERS))
        verdicts = self.verdicts.of(raw, own_fields)
        ids = []
        for region, accepted, rules in taken:
            mail = IncomingMail(
                ses_id="".join(self._random.choices(_ID_CHARACTERS, k=40)),
                region=region.region,
                sender=sender,
                recipients=accepted,
                raw=raw,
                received=datetime.now(UTC),
                verdicts=verdicts,
                client=client,
            )
            self._receive(region.account, mail, rules, own_fields)
            ids.append(mail.ses_id)
        return ids

    def listed(self) -> list[dict[str, Any]]:
        """The accepted mails in the format of `GET /_mail`."""
        return [accepted.as_dict() for accepted in list(self._accepted)]

    def clear(self) -> None:
        """Forget the mails, scripted verdicts and notifications that are held back."""
        self._accepted.clear()
        self.verdicts.clear()
        self.notices.discard()

    def _receive(self, account: str, mail: IncomingMail, rules: Sequence[MatchedRule], own_fields: Fields) -> None:
        accepted = AcceptedMail(mail)
        self._accepted.append(accepted)
        for rule in rules:
            accepted.rules.append(rule.name)
            fields = ses_fields(mail, rule.recipients[0], scanned=rule.scanned)
            for kind, parameters in rule.actions:
                try:
                    self._act(account, accepted, rule, kind, parameters, fields, own_fields)
                except ActionFailed:
                    accepted.expired += 1

    def _act(
        self,
        account: str,
        accepted: AcceptedMail,
        rule: MatchedRule,
        kind: str,
        parameters: dict[str, Any],
        fields: Fields,
        own_fields: Fields,
    ) -> None:
        mail = accepted.mail
        if kind == "AddHeaderAction":
            fields.append((parameters["HeaderName"], parameters["HeaderValue"]))
            return
        described = {"type": kind.removesuffix("Action")}
        if kind == "S3Action":
            prefix = parameters.get("ObjectKeyPrefix", "")
            key = f"{prefix}{mail.ses_id}"
            _store(account, parameters["BucketName"], key, as_bytes(fields) + mail.raw)
            accepted.objects.append({"bucket": parameters["BucketName"], "key": key})
            described |= {"bucketName": parameters["BucketName"], "objectKeyPrefix": prefix, "objectKey": key}
        topic = parameters.get("TopicArn")
        if topic:
            described["topicArn"] = topic
            self._publish(topic, notification(mail, rule, fields, own_fields, described))

    def _publish(self, topic: str, message: str) -> None:
        if not topic_exists(topic):
            raise ActionFailed(topic)
        message_id = str(uuid4())
        self.notices.send(lambda: publish(topic, message, SUBJECT, message_id=message_id))


def _active_rules(region: SesRegion) -> list[Rule]:
    active = region.rules.active
    return [] if active is None else region.rules.rule_set(active).rules


def _accepts(region: SesRegion, recipient: str) -> bool:
    return region.identities.receives(recipient) and any(applies(rule, recipient) for rule in _active_rules(region))


def _store(account: str, bucket: str, key: str, content: bytes) -> None:
    backend = s3_backends[account]["aws"]
    if bucket not in backend.buckets:
        raise ActionFailed(bucket)
    backend.put_object(bucket, key, content)
