"""Mail as SES stored it: one row for each object in the bucket."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.apps import apps
from django.db import models, router
from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Now

from domains.models import Domain, SharedQuerySet


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """What `MessageQuerySet.erase` deleted. Mail that was being erased already is not counted.

    `mails`: messages, of `bytes` in the bucket. `complete`: no message is left. `waits`: for the mail worker, before more can go.
    """

    mails: int
    received_emails: int
    attachments: int
    bytes: int
    complete: bool
    waits: bool = False


class MessageQuerySet(SharedQuerySet["Message"]):
    def live(self) -> Self:
        """Without mail of domains that are being or have been deleted, and mail that is being erased."""
        return self.filter(domain__deleting_since=None).exclude(state=Message.State.ERASING)

    def due(self) -> Self:
        """Mail that waits for ingest, and that no process has claimed."""
        return self.filter(state=Message.State.ARRIVED, retry_at__lte=Now())

    def to_erase(self) -> Self:
        """Mail whose object is still to be erased from the bucket."""
        return self.filter(state=Message.State.ERASING, erased_at=None)

    def without_domain(self) -> Self:
        """Mail of domains whose row is gone."""
        return self.filter(~Exists(Domain.objects.filter(pk=OuterRef("domain_id"))))

    def stored_bytes(self) -> int:
        """The bytes in the bucket, as far as they are known. An index has all that it reads."""
        total: int | None = self.aggregate(bytes=Sum("size"))["bytes"]
        return total or 0

    def measure(self) -> tuple[int, int]:
        """The number of attachments, and the bytes in the bucket, as far as they are known."""
        found = self.aggregate(attachments=Sum("attachment_count"), bytes=Sum("size"))
        return found["attachments"] or 0, found["bytes"] or 0

    def erase(self, most: int, *, keeps_objects: bool = False) -> ErasedRows:
        """Delete up to `most` messages, oldest first, each with its recipients, and count them. Needs a transaction.

        Only for mail of a domain that is gone: its objects are erased by their prefix (domains/deletion/received.py). The
        sweep would take the object of any other mail for one that was missed. `keeps_objects`: they are not. A mail that was to
        be erased anyway then waits until its object is gone.
        """
        columns = ("pk", "state", "erased_at", "attachment_count", "size")
        rows = list(self.order_by("arrived_at", "pk").select_for_update().values_list(*columns)[:most])
        mails = [row for row in rows if row[1] != Message.State.ERASING]
        waiting = {pk for pk, state, erased_at, *_ in rows if state == Message.State.ERASING and erased_at is None}
        gone = [pk for pk, *_ in rows if not (keeps_objects and pk in waiting)]
        return ErasedRows(
            mails=len(mails),
            received_emails=delete_messages(gone),
            attachments=sum(attachments for *_, attachments, _ in mails),
            bytes=sum(size or 0 for *_, size in mails),
            complete=len(rows) < most and len(gone) == len(rows),
            waits=bool(rows) and not gone,
        )


def delete_messages(pks: Collection[int]) -> int:
    """Delete messages and their recipients, without signals. Returns how many recipients there were."""
    if not pks:
        return 0
    using = router.db_for_write(Message)
    # By name, because the modules of these models import this one.
    received_emails = apps.get_model("mail.ReceivedEmail")._default_manager.filter(message__in=pks)
    count: int = received_emails.delete_with_deliveries()
    apps.get_model("mail.MessageReference")._default_manager.filter(message__in=pks)._raw_delete(using)
    Message.objects.filter(pk__in=pks)._raw_delete(using)
    return count


class Message(models.Model):
    """A mail that SES has stored, with what was read from it.

    `domain` has no constraint in the database: mail outlives the row of its domain until it is erased, and a cascade over a
    million rows must not run inside the request that deletes the domain (docs/architecture/mail.md, "Rows").
    """

    class State(models.TextChoices):
        ARRIVED = "arrived"
        INGESTED = "ingested", "Read"
        MISSING = "missing", "Missing: S3 does not have it"
        ERASING = "erasing"

    class Source(models.TextChoices):
        QUEUE = "queue", "Notification from SQS"
        TOPIC = "topic", "Notification posted by SNS"
        SWEEP = "sweep", "Found in the bucket"
        # Always history (mail/routing/facts.py).
        IMPORT = "import", "Imported from an archive"

    domain = models.ForeignKey(
        Domain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="messages"
    )
    bucket = models.CharField(max_length=63)
    # The last part of the key. The key prefix follows from the domain.
    ses_id = models.CharField("SES message id", max_length=255)
    key = models.CharField(max_length=1024)
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes in the bucket.")
    source = models.CharField(max_length=6, choices=Source)
    envelope_from = models.CharField(max_length=320, blank=True)
    # SES's words, in upper case: PASS, FAIL, GRAY, PROCESSING_FAILED. Empty if SES said nothing.
    spf = models.CharField("SPF", max_length=20, blank=True)
    dkim = models.CharField("DKIM", max_length=20, blank=True)
    dmarc = models.CharField("DMARC", max_length=20, blank=True)
    dmarc_policy = models.CharField("DMARC policy", max_length=10, blank=True)
    spam = models.CharField(max_length=20, blank=True)
    virus = models.CharField(max_length=20, blank=True)
    # When SES received it, and when it became known here.
    arrived_at = models.DateTimeField()
    noted_at = models.DateTimeField(auto_now_add=True)

    state = models.CharField(max_length=8, choices=State, default=State.ARRIVED)
    # When a process may take it: a claim is a time in the future.
    retry_at = models.DateTimeField(null=True, blank=True, default=Now)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)
    stalled = models.BooleanField(
        default=False, db_default=False, help_text="Whether a person must act before it can be erased."
    )
    ingested_at = models.DateTimeField(null=True, blank=True)
    # SES may tell of them again.
    deleted_for = models.JSONField(
        default=list, blank=True, help_text="Recipients whose email was deleted, while others kept theirs."
    )
    erased_at = models.DateTimeField(null=True, blank=True, help_text="When the bucket had no version of it any more.")

    # From the notification at first, and then from the mail.
    subject = models.TextField(blank=True)
    from_address = models.CharField(max_length=320, blank=True)
    from_name = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="The Date header, if it is credible.")
    rfc_id = models.TextField("Message-ID", blank=True)
    # What was read from the mail. docs/architecture/mail.md, "Parsed mail", has the shapes.
    in_reply_to = models.TextField(blank=True)
    references = models.JSONField(default=list, blank=True)
    priority = models.CharField(max_length=6, blank=True)
    addresses = models.JSONField(default=dict, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField("HTML", blank=True, help_text="Sanitised.")
    preview = models.CharField(max_length=200, blank=True)
    attachments = models.JSONField(default=list, blank=True)
    attachment_count = models.PositiveIntegerField(default=0)
    truncated = models.JSONField(default=list, blank=True)
    parse_error = models.CharField(max_length=500, blank=True)
    parse_seconds = models.FloatField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            # A mail is one, however often SES, SNS or SQS tell of it.
            models.UniqueConstraint(fields=["domain", "ses_id"], name="message_once_per_domain"),
            models.CheckConstraint(
                condition=Q(state__in=["arrived", "ingested", "missing", "erasing"]), name="message_state"
            ),
        ]
        indexes = [
            models.Index(fields=["retry_at"], condition=Q(state="arrived"), name="messages_to_ingest"),
            models.Index(fields=["retry_at"], condition=Q(state="erasing"), name="messages_to_erase"),
            # What has become too old, what the eraser of a domain takes next, and the bytes of a domain.
            models.Index(fields=["domain", "arrived_at"], include=["size", "state"], name="messages_by_age"),
        ]

    def __str__(self) -> str:
        return self.ses_id

    @property
    def has_virus(self) -> bool:
        return self.virus == "FAIL"

    @property
    def received_at(self) -> datetime:
        """What the mail says, if that is credible."""
        return self.sent_at or self.arrived_at
