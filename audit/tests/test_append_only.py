from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import retention
from audit.actions import Action
from audit.append_only import PROTECTED_DAYS
from audit.models import Change
from audit.record import record_names
from inbound.tests.support.database import empty_tables

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]


def entry(days: float = 0) -> Change:
    with mock.patch("django.utils.timezone.now", return_value=timezone.now() - timedelta(days=days)):
        record_names(Action.ADDED, "domains.domain", ["example.com"])
    return Change.objects.latest("pk")


@pytest.mark.parametrize(
    "change",
    [
        lambda row: Change.objects.filter(pk=row.pk).update(who="nobody"),
        lambda row: row.save(),
        lambda row: row.delete(),
        lambda row: Change.objects.all()._raw_delete("default"),
    ],
)
def test_the_database_refuses_to_change_an_entry(change):
    row = entry()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(row)
    assert list(Change.objects.values_list("pk", "who")) == [(row.pk, "")]


def test_the_database_refuses_to_empty_the_log_with_everything_else():
    entry()
    with pytest.raises(CommandError):
        call_command("flush", interactive=False, inhibit_post_migrate=True)
    assert Change.objects.count() == 1


def test_an_entry_that_is_old_enough_can_be_deleted_and_not_changed():
    row = entry(days=PROTECTED_DAYS + 1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Change.objects.update(who="nobody")
    row.delete()
    assert not Change.objects.exists()


def test_deleting_a_user_keeps_the_changes_of_their_objects(user):
    user.delete()
    assert {change.owner_id for change in Change.objects.filter(object_type="auth.user")} == {
        Change.objects.earliest("pk").owner_id
    }


def test_tests_can_empty_the_log_and_it_is_protected_again():
    entry()
    empty_tables()
    assert not Change.objects.exists()
    entry()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Change.objects.all().delete()


def test_old_entries_are_pruned_by_the_setting(settings):
    kept, _ = entry(days=99), entry(days=101)
    assert retention.prune_changes(seconds=5) == 0
    settings.AUDIT_DAYS = 100
    assert retention.prune_changes(lambda: True, seconds=5) == 0
    assert retention.prune_changes(seconds=5) == 1
    assert list(Change.objects.values_list("pk", flat=True)) == [kept.pk]
