"""Deletion of the rows of a domain's mail, in batches."""

from __future__ import annotations

import pytest
from django.db import transaction

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, MessageFactory
from mail.models import Message, ReceivedEmail
from mail.models.message import ErasedRows
from mail.tests.erasure.mails import write_mails

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]


@transaction.atomic
def erase(pk: str, most: int) -> ErasedRows:
    return Domain(pk=pk).messages.erase(most)


def test_a_batch_has_500_mails_and_the_last_one_says_that_it_is_complete() -> None:
    domain, other = DomainFactory(), DomainFactory()
    write_mails(domain, 1_201)
    write_mails(other, 1)
    assert [erase(domain.pk, 500) for _ in range(3)] == [
        ErasedRows(500, 500, 1_000, 500_000, complete=False),
        ErasedRows(500, 500, 1_000, 500_000, complete=False),
        ErasedRows(201, 201, 402, 201_000, complete=True),
    ]
    assert erase(domain.pk, 500) == ErasedRows(0, 0, 0, 0, complete=True)
    assert Message.objects.get().domain_id == ReceivedEmail.objects.get().domain_id == other.pk


def test_recipients_are_counted_beside_their_mails() -> None:
    domain = DomainFactory()
    write_mails(domain, 2, recipients=3)
    assert erase(domain.pk, 500) == ErasedRows(2, 6, 4, 2_000, complete=True)


def test_the_domain_need_not_exist() -> None:
    domain = DomainFactory()
    write_mails(domain, 1)
    Domain.objects.filter(pk=domain.pk).delete()
    assert Message.objects.exists()
    assert erase(domain.pk, 500).complete
    assert not Message.objects.exists()


def test_mail_that_was_being_erased_goes_as_well_and_is_not_counted_again() -> None:
    message = MessageFactory(state=Message.State.ERASING, size=None)
    assert erase(message.domain_id, 500) == ErasedRows(0, 0, 0, 0, complete=True)
    assert not Message.objects.exists()


def test_a_mail_of_unknown_size_counts_as_a_mail_without_bytes() -> None:
    message = MessageFactory(size=None)
    assert erase(message.domain_id, 500) == ErasedRows(1, 0, 0, 0, complete=True)
