"""Received mail and its recipients, and how far the sweep has come. All packages of the app may import it."""

from mail.models.claimed import ClaimedMessage
from mail.models.message import Message, MessageQuerySet
from mail.models.received import ReceivedEmail, ReceivedEmailQuerySet
from mail.models.sweep import MailSweep

__all__ = ["ClaimedMessage", "MailSweep", "Message", "MessageQuerySet", "ReceivedEmail", "ReceivedEmailQuerySet"]
