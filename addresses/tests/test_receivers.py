"""SES follows the row of an address, however it is written."""

from __future__ import annotations

import contextlib

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from addresses.models import EmailAddress
from inbound.tests.support.aws import calls, fail_calls, recover_and_run_worker, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory
from ses_integration.models import DomainSync

RULE = "inbound-example.com-rule"
A, B, C = (f"{local}@example.com" for local in "abc")


class Undone(Exception):
    pass


@pytest.fixture
def rows(domain, ses):
    rows = [EmailAddressFactory(domain=domain, address=address) for address in (A, B, C)]
    ses.clear_journal()
    return rows


def test_a_deleted_row_is_removed_from_its_rule(rows, ses):
    rows[0].delete()
    assert calls(ses) == ["UpdateReceiptRule"]
    assert rules(ses) == {RULE: {B, C}}


def test_deleting_many_rows_of_one_domain_is_one_call(rows, ses):
    EmailAddress.objects.filter(address__in=[A, B]).delete()
    assert calls(ses) == ["UpdateReceiptRule"]
    assert rules(ses) == {RULE: {C}}


def test_deleting_all_rows_of_two_domains_is_one_call_each(rows, ses):
    EmailAddressFactory(domain=DomainFactory(name="example.org"), address="a@example.org")
    ses.clear_journal()
    EmailAddress.objects.all().delete()
    assert calls(ses) == ["DeleteReceiptRule", "DeleteReceiptRule"]
    assert rules(ses) == {}


def test_a_rolled_back_deletion_makes_no_call(rows, ses):
    with contextlib.suppress(Undone), transaction.atomic():
        EmailAddress.objects.all().delete()
        raise Undone
    assert calls(ses) == []
    assert not DomainSync.objects.get().pending


def test_nothing_is_called_before_the_commit(rows, ses):
    with transaction.atomic():
        rows[0].delete()
        assert calls(ses) == []
    assert calls(ses) == ["UpdateReceiptRule"]


def test_a_deactivated_row_is_removed_from_its_rule(rows, ses):
    rows[0].is_active = False
    rows[0].save()
    assert rules(ses) == {RULE: {B, C}}


@pytest.mark.parametrize("column", ["domain", "domain_id"])
def test_a_row_that_is_saved_with_another_domain_is_marked(rows, ses, column):
    before = DomainSync.objects.get().generation
    rows[0].domain = DomainFactory(name="example.org")
    rows[0].save(update_fields=[column])
    assert DomainSync.objects.get(domain="example.com").generation > before


def test_changing_the_endpoint_does_not_affect_ses(rows, ses):
    before = DomainSync.objects.get().generation
    rows[0].endpoint = EndpointFactory()
    rows[0].save(update_fields=["endpoint"])
    assert DomainSync.objects.get().generation == before
    assert calls(ses) == []


def test_a_receiver_does_not_read_the_domain(rows):
    """The domain's name is taken from the address, so that a cascade does not cost a query for each row."""
    with CaptureQueriesContext(connection) as captured, contextlib.suppress(Undone), transaction.atomic():
        EmailAddress.objects.all().delete()
        raise Undone
    assert not [query for query in captured if 'FROM "domains_domain"' in query["sql"]]


def test_a_row_is_deleted_although_ses_is_down(rows, ses, impatient):
    fail_calls(ses, fault="fail")
    rows[0].delete()
    assert not EmailAddress.objects.filter(address=A).exists()
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {B, C}}


def test_in_autocommit_mode_an_address_and_its_dirty_mark_are_committed_together(domain):
    """Django sends `post_save` after its own transaction. A failure or a kill in between must leave no row."""

    def killed(**_):
        raise Undone

    post_save.connect(killed, sender=EmailAddress)
    try:
        with pytest.raises(Undone):
            EmailAddressFactory(domain=domain)
    finally:
        post_save.disconnect(killed, sender=EmailAddress)
    assert not EmailAddress.objects.exists()
