"""What the actions of a rule do with a mail."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.s3.models import s3_backends

from ses_integration.emulator.receiving.content.header_block import Fields, as_bytes, ses_fields
from ses_integration.emulator.receiving.content.mail import IncomingMail
from ses_integration.emulator.receiving.content.notification import notification
from ses_integration.emulator.receiving.evaluation import MatchedRule
from ses_integration.emulator.sns.subscriptions import topic_exists

# Amazon SES quotas: a mail in a notification, headers included. SES would bounce a larger one.
MAX_NOTIFIED = 150_000

Publish = Callable[[str, str], None]


@dataclass
class AcceptedMail:
    """What has become of a mail, for `GET /_mail`. `expired`: actions that have failed, which SES counts as PublishExpired.

    SES would try a failed action for four hours. The emulator does not: nobody waits so long.
    """

    ses_id: str
    region: str
    sender: str
    recipients: tuple[str, ...]
    size: int
    rules: list[str] = field(default_factory=list)
    objects: list[dict[str, str]] = field(default_factory=list)
    expired: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.ses_id,
            "region": self.region,
            "from": self.sender,
            "to": list(self.recipients),
            "size": self.size,
            "rules": self.rules,
            "objects": self.objects,
            "publish_expired": self.expired,
        }


class ActionFailed(Exception):
    """An action's target does not exist."""


def run(
    account: str, mail: IncomingMail, rule: MatchedRule, own_fields: Fields, publish: Publish, log: AcceptedMail
) -> None:
    """Run the actions of a rule in order. A failed one does not keep the next from running.

    `own_fields`: the header of the mail. Functions are not invoked, and no bounces are sent.
    """
    log.rules.append(rule.name)
    fields = ses_fields(mail, rule.recipients[0], scanned=rule.scanned)
    for kind, parameters in rule.actions:
        try:
            if kind == "AddHeaderAction":
                fields.append((parameters["HeaderName"], parameters["HeaderValue"]))
            else:
                described, more = _apply(account, mail, fields, kind, parameters, log)
                if topic := parameters.get("TopicArn"):
                    if not topic_exists(topic):
                        raise ActionFailed(topic)
                    publish(topic, notification(mail, rule, fields, own_fields, described, **more))
        except ActionFailed:
            log.expired += 1


def _apply(
    account: str, mail: IncomingMail, fields: Fields, kind: str, parameters: dict[str, Any], log: AcceptedMail
) -> tuple[dict[str, Any], dict[str, str]]:
    """Store the mail if the action says so. Returns the action, and further members, for the notification."""
    described = {"type": kind.removesuffix("Action")}
    described |= {name[0].lower() + name[1:]: value for name, value in parameters.items()}
    if kind == "S3Action":
        key = f"{parameters.get('ObjectKeyPrefix', '')}{mail.ses_id}"
        store(account, parameters["BucketName"], key, as_bytes(fields) + mail.raw)
        log.objects.append({"bucket": parameters["BucketName"], "key": key})
        return {**described, "objectKey": key}, {}
    if kind == "SNSAction":
        content = as_bytes(fields) + mail.raw
        if len(content) > MAX_NOTIFIED:
            raise ActionFailed("too large")
        is_base64 = parameters.get("Encoding") == "Base64"
        text = base64.b64encode(content).decode() if is_base64 else content.decode("utf-8", "replace")
        return described, {"content": text}
    return described, {}


def store(account: str, bucket: str, key: str, content: bytes) -> None:
    """Write an object as SES does. Raises ActionFailed."""
    backend = s3_backends[account]["aws"]
    if bucket not in backend.buckets:
        raise ActionFailed(bucket)
    backend.put_object(bucket, key, content)
