"""Received mail, its recipients and counts, and how far the sweep has come. All packages of the app may import it."""

from mail.models.claimed import ClaimedMessage
from mail.models.counts import MailCount, MailCountQuerySet, rest_of_hour, whole_periods
from mail.models.message import Message, MessageQuerySet
from mail.models.received import ReceivedEmail, ReceivedEmailQuerySet
from mail.models.sweep import MailSweep

__all__ = [
    "ClaimedMessage",
    "MailCount",
    "MailCountQuerySet",
    "MailSweep",
    "Message",
    "MessageQuerySet",
    "ReceivedEmail",
    "ReceivedEmailQuerySet",
    "rest_of_hour",
    "whole_periods",
]
