"""The Message-IDs that a mail has or refers to, which make threads."""

from __future__ import annotations

from django.db import models

from mail.models.message import Message


class MessageReference(models.Model):
    """One Message-ID of a mail: its own, or one that it answers or refers to (`mail/threads/`)."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="thread_references")
    digest = models.CharField(max_length=32, help_text="Of the Message-ID in lower case, without brackets.")
    is_own = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "message"], name="reference_once_per_message")]

    def __str__(self) -> str:
        return self.digest
