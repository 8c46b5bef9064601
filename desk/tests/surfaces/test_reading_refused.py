"""S3 refuses to give us new mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from desk.state.values import Kind, Level
from desk.tests.surfaces.reading import Said
from inbound.tests.support.aws import store_mail
from inbound.tests.support.factories import DomainFactory
from mail.arrival.note import note
from mail.ingest.claims import claim_due
from mail.ingest.ingest import ingest
from mail.ingest.room import Room
from mail.models import Message
from mail.parsing.pool import Parser
from mail.tests.arrival.arrivals import arrival
from ses_integration.emulator.server import Emulator

pytestmark = pytest.mark.sqlite

DENIED: dict[str, Any] = {"service": "s3", "action": "GetObject", "fault": "access_denied", "times": None}
SENTENCES = ["1 mail to read", "AWS does not allow s3:GetObject on inbound-mail; the credentials lack a permission."]


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(seconds=10, megabytes=512) as made:
        yield made


@pytest.fixture(autouse=True)
def reads(settings: Any) -> None:
    settings.MAIL_SOURCE = "sweep"


def read_due(parser: Parser) -> None:
    """As a mail worker does when the next try has come."""
    Message.objects.update(retry_at=timezone.now())
    for claim in claim_due(1):
        ingest(claim, parser, Room(2))


def test_it_shows_until_it_is_allowed(
    ses: Emulator, user: User, alive: object, surfaces: Callable[[], Said], parser: Parser
) -> None:
    told = arrival(DomainFactory(owner=user, name="shop.example"), "one")
    store_mail(told.key)
    ses.add_faults(DENIED)
    note([told], source=Message.Source.QUEUE)
    read_due(parser)
    surfaces().assert_shows(Kind.MAIL_TO_READ, *SENTENCES, level=Level.PENDING)

    ses.clear_faults()
    read_due(parser)
    surfaces().assert_settled(*SENTENCES)
