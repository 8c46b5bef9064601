"""Requests that mark some of the same emails at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from django.contrib.auth.models import User
from django.db import connection

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from mail import marks
from mail.models import MailCount, ReceivedEmail
from mail.tests.erasure.mails import write_mails

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_none_of_them_waits_for_another_one_for_ever(user: User) -> None:
    domain: Domain = DomainFactory(owner=user)
    write_mails(domain, 60)
    pks = list(ReceivedEmail.objects.values_list("pk", flat=True))

    def work(seed: int) -> int:
        random = Random(seed)
        try:
            return sum(
                len(marks.mark(user, random.sample(pks, 30), is_archived=random.random() < 0.5)) for _ in range(60)
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [1800] * 4
    archived = ReceivedEmail.objects.filter(is_archived=True).count()
    assert MailCount.objects.get(unit="all").archived == archived
