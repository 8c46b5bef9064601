from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import QuerySet

from addresses.models import EmailAddress
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory
from rest.prebuilt import Parameter, Prebuilt, Slice

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def detailed() -> QuerySet[EmailAddress]:
    return EmailAddress.objects.select_related("domain", "endpoint").with_rule_name()


def test_its_rows_are_those_of_the_same_query_in_the_orm(django_assert_num_queries):
    prebuilt = Prebuilt(lambda: detailed().filter(pk=Parameter("pk"), domain__owner_id=Parameter("owner")))
    for row in (EmailAddressFactory(), EmailAddressFactory(endpoint=EndpointFactory())):
        owner_id = row.domain.owner_id
        with django_assert_num_queries(1):
            (found,) = prebuilt(pk=row.pk, owner=owner_id)
            shown = found.domain.name, found.endpoint and found.endpoint.name
        expected = detailed().get(pk=row.pk, domain__owner_id=owner_id)
        assert vars(found).keys() == vars(expected).keys()
        assert shown == (expected.domain.name, expected.endpoint and expected.endpoint.name)
        assert (found, found.created_at, found.receipt_rule_name) == (row, row.created_at, expected.receipt_rule_name)
        assert prebuilt(pk=row.pk, owner=owner_id + 1) == []


def test_it_is_built_once_until_a_setting_changes(settings):
    built = []

    def build() -> QuerySet[EmailAddress]:
        built.append(settings.AWS_REGION)
        return EmailAddress.objects.filter(pk=Parameter("pk"))

    prebuilt = Prebuilt(build)
    assert [prebuilt(pk="a"), prebuilt(pk="b")] == [[], []]
    settings.AWS_REGION = "eu-central-1"
    prebuilt(pk="a")
    assert built == ["eu-west-1", "eu-central-1"]


def test_get_raises_the_error_of_the_model_if_there_is_no_row():
    prebuilt = Prebuilt(lambda: EmailAddress.objects.filter(pk=Parameter("pk")))
    row = EmailAddressFactory()
    assert prebuilt.get(pk=row.pk) == row
    with pytest.raises(EmailAddress.DoesNotExist):
        prebuilt.get(pk="gone")


def test_a_value_cannot_leave_its_place():
    EmailAddressFactory()
    assert Prebuilt(lambda: EmailAddress.objects.filter(pk=Parameter("pk")))(pk="' OR '1'='1") == []


def test_a_slice_chooses_rows_before_the_query_around_it():
    rows = [EmailAddressFactory(address=f"{letter}@example.com") for letter in "abcd"]
    chosen = EmailAddress.objects.order_by("-address").values("pk")
    prebuilt = Prebuilt(lambda: detailed().filter(pk__in=Slice(chosen)).order_by("address"))
    assert prebuilt(limit=2, offset=1) == rows[1:3]
    assert prebuilt(limit=3, offset=3) == rows[:1]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_it_locks_rows_only_in_a_transaction_however_often_it_has_run():
    prebuilt = Prebuilt(lambda: EmailAddress.objects.select_for_update().filter(pk=Parameter("pk")))
    with transaction.atomic():
        assert prebuilt(pk="a") == []
    with pytest.raises(transaction.TransactionManagementError):
        prebuilt(pk="a")
