"""Entries of the ledger, their recipients, and calls in flight."""

from __future__ import annotations

import json

import pytest
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Now

from ses_integration.models import InFlightCall, LedgerEntry, LedgerIdentity, LedgerRecipient, RuleSetState
from ses_integration.models.statements import After
from ses_integration.plan.resources import Operation, Presence, ResourceKind
from ses_integration.tests.models.comparison import compares, in_, same
from ses_integration.tests.models.rows import (
    DOMAIN,
    HERE,
    OTHER_REGION,
    OTHER_RULE_SET,
    REGION,
    RULE_SET,
    SCOPES,
    call,
    entry,
    with_recipients,
)

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]
KEY = (REGION, DOMAIN, RULE_SET)
UNKNOWN_ID = 0


def identity(scope=HERE, presence: str = Presence.PRESENT, **details) -> LedgerEntry:
    row = entry(DOMAIN, scope, kind=ResourceKind.IDENTITY, presence=presence, exists=True, digest="")
    LedgerIdentity.objects.create(entry=row, **details)
    return row


def read_entries(region, domain, rule_set):
    known = Q(kind=ResourceKind.IDENTITY) & ~Q(presence=Presence.ABSENT)
    rows = LedgerEntry.objects.filter(Q(rule_set=rule_set) | known, region=region, domain=domain).order_by("name")
    has_calls = Exists(InFlightCall.objects.filter(entry=OuterRef("pk")))
    columns = ("pk", "rule_set", "domain", "kind", "name", "presence", "exists", "digest")
    details = ("identity__ours", "identity__verification_token", "identity__mail_from_domain")
    return rows.annotate(has_calls=has_calls).values_list(*columns, *details, "has_calls")


def ids_read(statement) -> list[int]:
    return [pk for pk, *_ in same(statement.rows, read_entries, *KEY)]


@compares("READ_ENTRIES")
def test_entries_of_a_domain_are_read_by_name_with_details_and_whether_calls_are_in_flight(statement):
    last, first = entry("z-rule", presence=Presence.PRESENT, exists=True), entry("a-rule", presence=Presence.ABSENT)
    own = identity(ours=True, verification_token="token", mail_from_domain=f"mail.{DOMAIN}")
    call(own, Operation.SET_MAIL_FROM)
    call(own, Operation.VERIFY_DOMAIN)
    call(entry("other-rule", domain="other.org"))
    assert ids_read(statement) == [first.pk, own.pk, last.pk]
    assert [row[-1] for row in same(statement.rows, read_entries, *KEY)] == [False, True, False]
    assert same(statement.rows, read_entries, REGION, "new.org", RULE_SET) == []


@compares("READ_ENTRIES")
@pytest.mark.parametrize("presence", Presence)
def test_own_entries_are_read_even_if_absent(statement, presence):
    assert ids_read(statement) == []
    assert [identity(presence=presence).pk, entry("rule", presence=presence).pk] == ids_read(statement)


@compares("READ_ENTRIES")
@pytest.mark.parametrize("presence", Presence)
def test_what_another_rule_set_knows_of_the_identity_is_read_too(statement, presence):
    identity(OTHER_REGION, presence)
    for scope in (OTHER_RULE_SET, OTHER_REGION):
        entry("their-rule", scope, presence=presence)
    theirs = identity(OTHER_RULE_SET, presence, ours=False)
    assert ids_read(statement) == ([] if presence == Presence.ABSENT else [theirs.pk])


def read_recipients(each):
    return (
        LedgerRecipient.objects.filter(entry__in=each)
        .order_by("entry", "recipient")
        .values_list("entry_id", "recipient")
    )


@compares("READ_RECIPIENTS")
def test_recipients_are_those_of_the_given_rules(statement):
    with_recipients(entry("other-rule"), "a")
    first, second = with_recipients(entry("rule-1"), "a", "b"), with_recipients(entry("rule-2"), "a")

    def in_order(each: list[int]) -> list[tuple[int, str]]:
        return sorted(statement.rows(each=each))

    expected = [(first.pk, f"a@{DOMAIN}"), (first.pk, f"b@{DOMAIN}"), (second.pk, f"a@{DOMAIN}")]
    assert same(in_order, read_recipients, each=[first.pk, second.pk]) == expected
    assert same(in_order, read_recipients, each=[entry("new").pk]) == []


def reserved(region, rule_set, domain):
    state = RuleSetState.objects.filter(region=region, rule_set=rule_set)
    entries = LedgerEntry.objects.filter(region=region, rule_set=rule_set, domain=domain)
    return entries.values_list("kind", "name", Subquery(state.values("recipients_per_rule")))


@compares("RESERVED")
def test_reservations_are_those_of_the_domain_in_this_scope(statement):
    for scope in (OTHER_RULE_SET, OTHER_REGION):
        entry(scope=scope)
        RuleSetState.objects.create(**scope, recipients_per_rule=50)
    entry("other-rule", domain="other.org")
    entry("rule-1")
    assert same(statement.rows, reserved, REGION, RULE_SET, DOMAIN) == [("rule", "rule-1", None)]
    RuleSetState.objects.create(**HERE, recipients_per_rule=100)
    assert same(statement.rows, reserved, REGION, RULE_SET, DOMAIN) == [("rule", "rule-1", 100)]
    assert same(statement.rows, reserved, REGION, RULE_SET, "new.org") == []


def write_entry(presence, exists, digest, pk):
    rows = LedgerEntry.objects.filter(pk=pk)
    return rows.update(presence=presence, exists=exists, digest=digest, changed_at=Now())


@compares("WRITE_ENTRY")
@pytest.mark.parametrize("exists", [True, False])
def test_one_entry_is_written(statement, exists):
    ours = [entry(scope=scope, exists=not exists) for scope in SCOPES][-1]
    assert same(statement.run, write_entry, Presence.PRESENT, exists, "d2", ours.pk) == 1
    assert same(statement.run, write_entry, Presence.PRESENT, exists, "d2", UNKNOWN_ID) == 0


def delete_entry(pk):
    deleted, _ = LedgerEntry.objects.filter(pk=pk).delete()
    return deleted


@compares("DELETE_ENTRY")
def test_one_entry_that_no_row_refers_to_is_deleted(statement):
    call(with_recipients(entry(scope=OTHER_RULE_SET), "a"))
    assert same(statement.run, delete_entry, entry().pk) == 1
    assert same(statement.run, delete_entry, UNKNOWN_ID) == 0


def delete_recipients(pk, each):
    deleted, _ = LedgerRecipient.objects.filter(entry=pk, recipient__in=each).delete()
    return deleted


@compares("DELETE_RECIPIENTS")
@pytest.mark.parametrize(("local_parts", "deleted"), [("a", 1), ("abc", 3), ("bx", 1), ("xy", 0)])
def test_only_these_recipients_of_the_entry_are_deleted(statement, local_parts, deleted):
    with_recipients(entry("another"), *"abcd")
    ours = with_recipients(entry(), *"abcd")
    each = [f"{local_part}@{DOMAIN}" for local_part in local_parts]
    assert same(statement.run, delete_recipients, ours.pk, each=each) == deleted


def insert_call(pk, operation, recipients, fence, until):
    columns = {"operation": operation, "recipients": json.loads(recipients), "fence": fence, "until": in_(until)}
    return [(InFlightCall.objects.create(entry_id=pk, **columns).pk,)]


@compares("INSERT_CALL")
@pytest.mark.parametrize("recipients", [[], [f"a@{DOMAIN}", f'"b c"@{DOMAIN}']])
def test_call_is_inserted_and_its_id_returned(statement, recipients):
    def without_its_id(insert):
        # The ids differ: a number stays used when its row is rolled back.
        def run(*parameters: object):
            ((pk,),) = insert(*parameters)
            return InFlightCall.objects.filter(pk=pk).values_list("entry_id", "fence")

        return run

    ours = entry()
    call(ours)
    values = ours.pk, Operation.CREATE_RULE, json.dumps(recipients), 8, After(90.0)
    assert same(without_its_id(statement.rows), without_its_id(insert_call), *values) == [(ours.pk, 8)]


def delete_calls(each):
    deleted, _ = InFlightCall.objects.filter(pk__in=each).delete()
    return deleted


@compares("DELETE_CALLS")
@pytest.mark.parametrize("count", [1, 3])
def test_only_these_calls_are_deleted(statement, count):
    ours = entry()
    calls = [call(ours, operation) for operation in Operation]
    assert same(statement.run, delete_calls, each=[it.pk for it in calls[:count]]) == count
    assert same(statement.run, delete_calls, each=[UNKNOWN_ID]) == 0
