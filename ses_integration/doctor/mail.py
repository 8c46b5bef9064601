"""Check what reading mail needs: topic, queue, subscription, and that a notification arrives and stored mail can be read."""

from __future__ import annotations

from functools import partial

from ses_integration.conf import mail_source
from ses_integration.doctor.checklist import Checklist
from ses_integration.doctor.checks import notification, queue, topic
from ses_integration.doctor.checks.bucket import LIST_OBJECTS
from ses_integration.doctor.checks.permissions import check_permission
from ses_integration.doctor.probes import bucket, mail
from ses_integration.doctor.probes.notification import deliver
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.session import AwsSession
from ses_integration.doctor.results import CheckResult, failed, ok
from ses_integration.errors import Refused
from ses_integration.setup.names import sibling_url
from ses_integration.setup.queues import dead_letter_arn

DELETE = "sqs:DeleteMessage"
PUBLISH = "notifications"


def check_mail(checklist: Checklist, aws: AwsSession, *, probe: bool) -> None:
    """Add the results. `probe`: whether a probe may be published. No failure hides another one that does not depend on it."""
    MailDiagnosis(checklist, aws).run(probe=probe)


class MailDiagnosis:
    def __init__(self, checklist: Checklist, aws: AwsSession) -> None:
        self._checklist = checklist
        self._aws = aws
        self._source = mail_source()
        self._raw = self._source == "sqs"

    def run(self, *, probe: bool) -> None:
        config = self._aws.config
        self._checklist.check(
            "mail source", (), lambda: notification.check_source(self._source, config.topic_arn, config.queue_url)
        )
        if self._source in ("sqs", "sns"):
            self._checklist.check("mail account", ("mail source", "credentials"), self._account)
            self._check_topic()
            found = self._check_queue() if self._raw else Response()
            self._check_subscription()
            self._check_notifications(found, probe=probe)
        if self._source != "none":
            self._check_stored_mail()

    def _account(self) -> CheckResult:
        try:
            names = self._aws.mail_names
        except Refused as error:
            return failed("mail account", error.sentence, "Use a topic and a queue of this account.")
        return ok("mail account", f"Topic and queue are in account {names.account}.")

    def _check_topic(self) -> None:
        name, found = self._aws.config.topic_arn.rpartition(":")[2], Response()
        if self._checklist.passed("mail account"):
            found = mail.get_topic(self._aws)
        self._checklist.check(
            "topic", ("mail account",), lambda: topic.check_topic(name, found, signed=self._source == "sns")
        )
        self._checklist.check("topic policy", ("topic",), lambda: topic.check_topic_policy(found))

    def _check_queue(self) -> Response:
        """Return the response to GetQueueAttributes."""
        found = Response()
        if self._checklist.passed("mail account"):
            found = mail.get_queue(self._aws, self._aws.config.queue_url)
        check = self._checklist.check
        check("queue", ("mail account",), lambda: queue.check_queue(self._aws.mail_names, found))
        check("queue policy", ("queue",), lambda: queue.check_queue_policy(self._aws.mail_names, found))
        check("queue settings", ("queue",), lambda: queue.check_queue_settings(found))
        check("dead-letter queue", ("queue",), lambda: queue.check_redrive(found))
        if dead := dead_letter_arn(found.body.get("Attributes", {}).get("RedrivePolicy", "")):
            name = dead.rpartition(":")[2]
            url = sibling_url(self._aws.config.queue_url, name)
            check(
                "dead letters",
                ("dead-letter queue",),
                lambda: queue.check_dead_letters(name, mail.get_queue(self._aws, url)),
            )
        check(
            DELETE,
            ("queue",),
            lambda: check_permission(DELETE, self._aws.mail_names.queue_arn, mail.delete_nothing(self._aws)),
        )
        return found

    def _check_subscription(self) -> None:
        queue_arn, found = "", Response()
        if self._checklist.passed("topic"):
            queue_arn = self._aws.mail_names.queue_arn if self._raw else ""
            found = mail.list_subscriptions(self._aws)
        self._checklist.check("subscription", ("topic",), lambda: topic.check_subscription(queue_arn, found))
        arns = [each["SubscriptionArn"] for each in topic.subscriptions_of(queue_arn, found)]
        for arn in [arn for arn in arns if arn != topic.PENDING] or [""]:
            self._checklist.check("delivery", ("subscription",), partial(self._delivery, arn))

    def _delivery(self, arn: str) -> CheckResult:
        # Without an ARN the list was denied, too.
        found = mail.get_subscription(self._aws, arn) if arn else Response(code="AccessDenied")
        return topic.check_delivery(found, raw=self._raw)

    def _check_notifications(self, found: Response, *, probe: bool) -> None:
        """`found`: the response to GetQueueAttributes."""
        if not probe:
            self._checklist.skip(PUBLISH, "Skipped on request.", "Run ses_doctor without --no-probe.")
            return
        waiting = queue.depth(found)[0]
        # What failed above explains why a probe does not arrive, but does not prove it.
        needs = ("topic", "queue") if self._raw else ("topic",)
        self._checklist.check(
            PUBLISH,
            needs,
            lambda: notification.check_delivered(
                self._source, deliver(self._aws, from_queue=self._raw, waiting=waiting), waiting
            ),
        )

    def _check_stored_mail(self) -> None:
        arn = self._aws.bucket_arn
        self._checklist.check(
            LIST_OBJECTS, ("bucket",), lambda: check_permission(LIST_OBJECTS, arn, bucket.list_objects(self._aws))
        )
        self._checklist.check(
            notification.READ,
            ("bucket",),
            lambda: notification.check_reading(arn, bucket.get_object(self._aws)),
            proven=(LIST_OBJECTS,),
        )
