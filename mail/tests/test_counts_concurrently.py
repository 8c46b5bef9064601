"""Several processes add, archive and erase mail of the same domains."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, MessageFactory
from mail.models import MailCount, Message, ReceivedEmail

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

THREADS, STEPS = 6, 25
EVENING = datetime(2026, 3, 5, 22, 30, tzinfo=UTC)
MOMENTS = [EVENING + timedelta(hours=number) for number in range(4)]


def add(chance: random.Random, domains: list[Domain]) -> None:
    """A batch as `note` writes it: for several domains, in one statement."""
    rows = [
        MessageFactory.build(
            domain=chance.choice(domains), arrived_at=chance.choice(MOMENTS), ses_id=chance.randbytes(8).hex()
        )
        for _ in range(chance.randint(1, 6))
    ]
    with transaction.atomic():
        ReceivedEmail.objects.bulk_create(
            ReceivedEmail(message=row, domain=row.domain, owner=row.domain.owner, arrived_at=row.arrived_at)
            for row in Message.objects.bulk_create(rows)
        )


def change(chance: random.Random, domains: list[Domain]) -> None:
    """Archive or erase some emails of one domain. Rows that another thread has locked are left to it."""
    rows = chance.choice(domains).received_emails.select_for_update(skip_locked=True).order_by("pk")
    with transaction.atomic():
        some = ReceivedEmail.objects.filter(pk__in=[row.pk for row in rows[: chance.randint(1, 4)]])
        if chance.random() < 0.5:
            some.delete()
        else:
            some.update(is_archived=chance.random() < 0.5)


def test_the_counts_are_right_and_nobody_waits_for_ever(user: User) -> None:
    domains: list[Domain] = [DomainFactory(owner=user) for _ in range(3)]

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(STEPS):
                chance.choice([add, change])(chance, domains)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))
    expected = Counter[tuple[str, str, datetime]]()
    archived = Counter[tuple[str, str, datetime]]()
    for row in ReceivedEmail.objects.all():
        hour = row.arrived_at.replace(minute=0)
        for unit, start in (("all", datetime(1970, 1, 1, tzinfo=UTC)), ("day", hour.replace(hour=0)), ("hour", hour)):
            expected[row.domain_id, unit, start] += 1
            archived[row.domain_id, unit, start] += row.is_archived
    assert expected
    assert {(row.domain_id, row.unit, row.start): (row.received, row.archived) for row in MailCount.objects.all()} == {
        key: (number, archived[key]) for key, number in expected.items()
    }
