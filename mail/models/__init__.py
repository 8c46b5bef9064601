"""Received mail, its recipients and counts, how far the sweep has come, and deliveries. All packages of the app may import it."""

from mail.models.claimed import ClaimedMessage
from mail.models.counts import MailCount, MailCountQuerySet, rest_of_hour, whole_periods
from mail.models.delivery import (
    Delivery,
    DeliveryAttempt,
    DeliveryQuerySet,
    ForwardRecipient,
)
from mail.models.gate import EndpointGate
from mail.models.message import Message, MessageQuerySet
from mail.models.notice import EventNotice
from mail.models.received import ReceivedEmail, ReceivedEmailQuerySet
from mail.models.reference import MessageReference
from mail.models.sweep import MailSweep, QueueLength

__all__ = [
    "ClaimedMessage",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryQuerySet",
    "EndpointGate",
    "EventNotice",
    "ForwardRecipient",
    "MailCount",
    "MailCountQuerySet",
    "MailSweep",
    "Message",
    "MessageQuerySet",
    "MessageReference",
    "QueueLength",
    "ReceivedEmail",
    "ReceivedEmailQuerySet",
    "rest_of_hour",
    "whole_periods",
]
