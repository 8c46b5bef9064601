"""All rows that belong to people, to see whether a request has changed any."""

from __future__ import annotations

from typing import Any

from addresses.models import BlockedEmail, DeletedAddress, EmailAddress
from archives.models import Export, Import
from domains.models import DnsRecord, Domain, DomainAccess, DomainDeletion
from endpoints.models import Endpoint
from mail.models import Delivery, Message, ReceivedEmail

MODELS = (
    Domain,
    DomainAccess,
    EmailAddress,
    DeletedAddress,
    BlockedEmail,
    DnsRecord,
    Endpoint,
    DomainDeletion,
    Message,
    ReceivedEmail,
    Delivery,
    Export,
    Import,
)


def everything() -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in MODELS]
