"""Deleting the rows of a domain: by the request, by the worker, or in another way."""

from __future__ import annotations

import pytest
from django.utils import timezone

from addresses.models import EmailAddress
from domains.deletion.service import resume_deletions
from domains.models import Domain, DomainDeletion

pytestmark = pytest.mark.sqlite


def test_rows_deleted_in_another_way_finish_the_rows_step(domain):
    Domain.objects.filter(pk=domain.pk).update(deleting_since=timezone.now())
    DomainDeletion.objects.create(domain_id=domain.pk, name=domain.name, owner=domain.owner)
    EmailAddress.objects.bulk_create([EmailAddress(domain=domain, address="a@example.com", slot=1)])
    Domain.objects.filter(pk=domain.pk).delete()
    record = DomainDeletion.objects.get()
    assert (record.rows, record.email_addresses) == ("done", 1)


def test_the_worker_leaves_the_rows_of_a_new_deletion_to_its_request(domain, ses):
    Domain.objects.filter(pk=domain.pk).update(deleting_since=timezone.now())
    DomainDeletion.objects.create(domain_id=domain.pk, name=domain.name, owner=domain.owner)
    assert resume_deletions(request_seconds=60) == 0
    assert Domain.objects.exists()
    assert resume_deletions() == 1
    assert not Domain.objects.exists()
