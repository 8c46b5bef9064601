from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from mail.arrival.note import note
from mail.ingest.claims import claim_due
from mail.ingest.ingest import Outcome, ingest
from mail.ingest.room import Room
from mail.models import ClaimedMessage, Message
from mail.parsing.pool import Parser
from mail.tests.arrival.arrivals import arrival
from mail.tests.postbox import MAIL
from ses_integration.aws import clients
from ses_integration.emulator.server import Emulator


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(seconds=10, megabytes=512) as made:
        yield made


@pytest.fixture
def domain(ses: Emulator, user: User) -> Domain:
    return DomainFactory(owner=user, name="example.com")


@pytest.fixture
def arrived(domain: Domain) -> Callable[..., Message]:
    """`arrived(raw, at=time)`: a mail that is noted, and in the bucket unless `raw` is None."""

    def make(raw: bytes | None = MAIL, ses_id: str = "one", at: datetime | None = None) -> Message:
        told = arrival(domain, ses_id, arrived_at=at or timezone.now(), subject="Told", sender="Told <told@x.example>")
        if raw is not None:
            clients.s3("eu-west-1").put_object(Bucket=told.bucket, Key=told.key, Body=raw)
        (pk,) = note([told], source=Message.Source.QUEUE).messages
        return Message.objects.get(pk=pk)

    return make


@pytest.fixture
def attempt(parser: Parser) -> Callable[[], tuple[Outcome, Message]]:
    """Ingest the only message, whether it is due or not. Returns what became of it, and the row."""

    def run() -> tuple[Outcome, Message]:
        outcome, _ = ingest(claim_now(), parser, Room(2))
        return outcome, Message.objects.get()

    return run


def claim_now() -> ClaimedMessage:
    """Claim the only message, as if its time had come."""
    Message.objects.update(retry_at=F("noted_at"))
    (claim,) = claim_due(1)
    return claim
