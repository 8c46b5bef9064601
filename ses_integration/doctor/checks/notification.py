"""Checks of the way from the topic to us, and of reading stored mail. Pure."""

from __future__ import annotations

from ses_integration.conf import MailSource
from ses_integration.doctor.checks.permissions import check_permission, not_proven
from ses_integration.doctor.probes.bucket import NO_OBJECT
from ses_integration.doctor.probes.notification import Delivery, Receiver
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, skipped, warning

READ = "s3:GetObject"
READERS = {
    "sqs": ("mail worker", "Start `python manage.py mail_worker`."),
    "sns": ("web process", "Start the web process."),
}


def check_source(source: MailSource, topic_arn: str, queue_url: str) -> CheckResult:
    """Whether the settings name all that the source of mail needs."""
    missing = [
        name
        for name, value, sources in (
            ("SES_TOPIC_ARN", topic_arn, ("sqs", "sns")),
            ("SES_QUEUE_URL", queue_url, ("sqs",)),
        )
        if source in sources and not value
    ]
    if missing:
        return failed(
            "mail source",
            f"MAIL_SOURCE is {source}, and {' and '.join(missing)} is missing: nothing tells of new mail.",
            "Run `python manage.py ses_setup --mail` and set what it prints.",
        )
    said = {
        "sqs": "Notifications from the queue, and the sweep.",
        "sns": "Notifications that SNS posts, and the sweep.",
        "sweep": "The sweep alone: mail is listed when the next one finds it.",
        "none": "None: mail is stored and not looked at.",
    }
    return ok("mail source", said[source])


def check_delivered(source: MailSource, delivery: Delivery, waiting: int) -> CheckResult:
    """Whether what is published arrives. `waiting`: messages that were in the queue before."""
    check, reader, start = "notifications", *READERS[source]
    if delivery.published.denied:
        return warning(
            check,
            "Not proven: sns:Publish is not allowed to these credentials.",
            "Allow it to enable this check; reading mail does not need it.",
        )
    if not delivery.published.succeeded:
        return not_proven(check, delivery.published)
    if delivery.receiver is Receiver.READER:
        return ok(check, f"A {reader} has received the probe, after {delivery.seconds:.1f} s.")
    if delivery.receiver is Receiver.DOCTOR:
        return warning(
            check, f"They arrive in the queue, and no {reader} took the probe within {delivery.seconds:.0f} s.", start
        )
    if delivery.received.denied:
        return failed(
            check,
            "AWS does not allow sqs:ReceiveMessage.",
            "Allow it on the queue in the policy of these credentials, which are the mail worker's, too.",
        )
    if waiting:
        return warning(check, f"Not proven: no {reader} took the probe, and {waiting} messages wait before it.", start)
    return failed(
        check,
        f"The probe has not arrived within {delivery.seconds:.0f} s.",
        "Fix what failed above. If nothing did: is the queue encrypted with a key that SNS may not use?"
        if source == "sqs"
        else "Does the URL of the subscription reach the web process over HTTPS?",
    )


def check_stored(response: Response) -> CheckResult:
    """Whether what SES has stored can be read. `response`: to GetObject of its test object, which it may write late or never."""
    check = "stored mail"
    if response.code == NO_OBJECT:
        return skipped(
            check, "Not checked: SES has stored no test object.", "The mail worker's log says if mail cannot be read."
        )
    if response.denied:
        return failed(
            check,
            "AWS does not allow to read what SES has stored, though reading is allowed.",
            "Is the bucket encrypted with a key of yours? Allow kms:Decrypt on it. Otherwise look at the bucket's policy.",
        )
    if not response.succeeded:
        return not_proven(check, response)
    return ok(check, "What SES has stored can be read.")


def check_reading(bucket_arn: str, response: Response) -> CheckResult:
    """Whether stored mail can be read, if the bucket may be listed: otherwise S3 denies what does not exist."""
    return check_permission(READ, f"{bucket_arn}/emails/*", response)
