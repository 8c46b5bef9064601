"""The queue, progress, and the confirmation of a removal."""

from __future__ import annotations

import pytest
from django.db.models import Case, Exists, F, Min, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Now

from ses_integration.models import DomainSync, InFlightCall, LedgerRecipient, RuleSetState
from ses_integration.models.statements import After
from ses_integration.plan.resources import Operation, ResourceKind
from ses_integration.tests.models.comparison import compares, in_, same
from ses_integration.tests.models.rows import (
    BEHIND,
    DAY,
    DOMAIN,
    HERE,
    KEY,
    OTHER_REGION,
    OTHER_RULE_SET,
    SCOPE,
    SCOPES,
    call,
    days,
    entry,
    syncs,
    with_recipients,
)
from ses_integration.tests.support.second_connection import locked_elsewhere

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]
SCOPE_NAMES = ["other rule set", "other region", "ours"]


def locked(rows):
    """The ORM form of what LOCK_DOMAIN and LOCK_NEXT have in common."""
    state = RuleSetState.objects.filter(region=OuterRef("region"), rule_set=OuterRef("rule_set"))
    columns = {
        "is_busy": Case(When(batch_until__gt=Now(), then=True), default=False),
        "now": Now(),
        "compared": Coalesce(Subquery(state.values("rows_compared")), Value(False)),
        "limit": Subquery(state.values("recipients_per_rule")),
        "state_account": Coalesce(Subquery(state.values("account")), Value("")),
    }
    rows = rows.select_for_update(skip_locked=True, of=("self",)).annotate(**columns)
    first = ["pk", "domain", "generation", "attempts", "is_busy", "now"]
    return rows.values_list(*first, "observed_generation", "change_log", "compared", "limit", "state_account")[:1]


def lock_domain(region, rule_set, domain):
    return locked(DomainSync.objects.filter(region=region, rule_set=rule_set, domain=domain))


def lock_next(region, rule_set, longest_wait, domain):
    behind = DomainSync.objects.filter(region=region, rule_set=rule_set, generation__gt=F("observed_generation"))
    due = behind.filter(Q(retry_at=None) | Q(retry_at__lte=Now()))
    served = due.filter(Q(queued_at__gt=in_(longest_wait)) | Q(domain=domain))
    return locked(served.order_by("queued_at", "domain"))


def states_of_others() -> None:
    for scope in (OTHER_RULE_SET, OTHER_REGION):
        RuleSetState.objects.create(**scope, account="444455556666", recipients_per_rule=50, rows_compared=True)


@compares("LOCK_DOMAIN")
def test_locked_domain_comes_with_what_a_step_needs(statement):
    ours = syncs(**BEHIND, attempts=2, change_log="3:f00d 5:9")
    syncs("other.org")
    states_of_others()
    found = (ours.pk, DOMAIN, 5, 2, False, "now", 3, "3:f00d 5:9")
    assert same(statement.rows, lock_domain, *KEY) == [(*found, False, None, "")]
    RuleSetState.objects.create(**HERE, account="111122223333", recipients_per_rule=100, rows_compared=True)
    assert same(statement.rows, lock_domain, *KEY) == [(*found, True, 100, "111122223333")]
    assert same(statement.rows, lock_domain, *SCOPE, "new.org") == []


@compares("LOCK_DOMAIN")
@pytest.mark.parametrize(("batch_until", "is_busy"), [(days(1), True), (days(-1), False)])
def test_locked_domain_is_busy_until_a_certain_time(statement, batch_until, is_busy):
    syncs(**BEHIND, batch_until=batch_until)
    assert same(statement.rows, lock_domain, *KEY)[0][4] == is_busy


def next_domain(statement, domain: str = DOMAIN) -> str | None:
    """The domain that a request for `domain` locks. Those that have waited for two days are left to the worker."""
    found = same(statement.rows, lock_next, *SCOPE, After(-2 * DAY), domain)
    return found[0][1] if found else None


@compares("LOCK_NEXT")
def test_domain_that_has_waited_longest_is_next_and_then_the_first_by_name(statement):
    states_of_others()
    late, early = days(-0.5), days(-1)
    syncs(**BEHIND, queued_at=late)
    syncs("y.org", **BEHIND, queued_at=early)
    assert next_domain(statement) == "y.org"
    for name in ("z.org", "x.org"):
        syncs(name, **BEHIND, queued_at=early)
    assert next_domain(statement) == "x.org"


@compares("LOCK_NEXT")
@pytest.mark.parametrize("scope", SCOPES[:-1], ids=SCOPE_NAMES[:-1])
def test_domain_of_another_scope_is_not_next(statement, scope):
    syncs(scopes=[scope], **BEHIND, queued_at=days(-1))
    assert next_domain(statement) is None
    syncs("other.org", **BEHIND, queued_at=days(-0.5))
    assert next_domain(statement) == "other.org"


@compares("LOCK_NEXT")
@pytest.mark.parametrize(
    ("columns", "is_next", "is_next_of_its_own_request"),
    [
        pytest.param({"queued_at": days(-1)}, True, True, id="waits"),
        pytest.param({"queued_at": days(-3)}, False, True, id="has waited too long"),
        pytest.param({"queued_at": days(-1), "observed_generation": 5}, False, False, id="up to date"),
        pytest.param({"queued_at": days(-1), "retry_at": days(1)}, False, False, id="in back-off"),
        pytest.param({"queued_at": days(-1), "retry_at": days(-1)}, True, True, id="after its back-off"),
    ],
)
def test_domain_is_next_if_it_is_behind_and_due(statement, columns, is_next, is_next_of_its_own_request):
    RuleSetState.objects.create(**HERE, account="111122223333", recipients_per_rule=100)
    syncs(**BEHIND | columns)
    assert next_domain(statement, "other.org") == (DOMAIN if is_next else None)
    assert next_domain(statement) == (DOMAIN if is_next_of_its_own_request else None)


@compares("LOCK_DOMAIN")
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_domain_that_is_being_changed_is_not_locked(statement):
    with locked_elsewhere(syncs()):
        assert same(statement.rows, lock_domain, *KEY) == []
    with locked_elsewhere(RuleSetState.objects.create(**HERE)):
        assert len(same(statement.rows, lock_domain, *KEY)) == 1


@compares("LOCK_NEXT")
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_domain_that_is_being_changed_is_not_next(statement):
    with locked_elsewhere(syncs(**BEHIND, queued_at=days(-1))):
        assert next_domain(statement) is None
        syncs("other.org", **BEHIND, queued_at=days(-0.5))
        assert next_domain(statement) == "other.org"
    with locked_elsewhere(RuleSetState.objects.create(**HERE)):
        assert next_domain(statement) == DOMAIN


def look(region, rule_set, domain):
    of_the_domain = {f"entry__{column}": OuterRef(column) for column in ("region", "rule_set", "domain")}
    # Grouped by the domain, which is the same for all: a subquery cannot aggregate otherwise.
    calls = InFlightCall.objects.filter(**of_the_domain).values("entry__domain")
    until = Subquery(calls.annotate(first=Min("until")).values("first"))
    rows = DomainSync.objects.filter(region=region, rule_set=rule_set, domain=domain)
    progress = ("generation", "observed_generation", "retry_at", "now", "until")
    return rows.annotate(now=Now(), until=until).values_list(*progress)


@compares("READ_PROGRESS")
def test_progress_comes_with_the_first_call_that_is_in_flight(statement):
    ours = syncs(**BEHIND, retry_at=days(1))
    syncs("other.org")
    for scope, domain in ((OTHER_RULE_SET, DOMAIN), (OTHER_REGION, DOMAIN), (HERE, "other.org")):
        call(entry(f"rule of {domain}", scope, domain), until=-2)
    assert same(statement.rows, look, *KEY) == [(5, 3, ours.retry_at, "now", None)]
    rule, identity = entry(), entry(DOMAIN, kind=ResourceKind.IDENTITY)
    _, first, _ = call(rule), call(identity, until=-1), call(rule, until=2)
    assert same(statement.rows, look, *KEY) == [(5, 3, ours.retry_at, "now", first.until)]
    assert same(statement.rows, look, *SCOPE, "new.org") == []


def confirm_removal(region, rule_set, domain, generation, each):
    rule = {"entry__domain": OuterRef("domain"), "entry__kind": ResourceKind.RULE}
    adding = InFlightCall.objects.filter(**rule, operation__in=[Operation.CREATE_RULE, Operation.UPDATE_RULE])
    recorded = LedgerRecipient.objects.filter(**rule)
    elsewhere = recorded.exclude(entry__region=OuterRef("region"), entry__rule_set=OuterRef("rule_set"))
    # Without a region no ledger applies.
    may_come, is_elsewhere = (Exists(rows.exclude(entry__region="")) for rows in (adding, elsewhere))
    rows = DomainSync.objects.filter(region=region, rule_set=rule_set, domain=domain)
    observed = rows.filter(observed_generation__gte=F("generation") if generation is None else generation)
    here = recorded.filter(entry__region=OuterRef("region"), entry__rule_set=OuterRef("rule_set"), recipient__in=each)
    observed = observed.exclude(Exists(here))
    return observed.annotate(may_come=may_come, is_elsewhere=is_elsewhere).values_list("may_come", "is_elsewhere")


def confirmed(statement, generation: int | None = 3) -> list[tuple[bool, bool]]:
    each = [f"removed@{DOMAIN}", f"b@{DOMAIN}"]
    found: list[tuple[bool, bool]] = same(statement.rows, confirm_removal, *KEY, generation, each=each)
    return found


@compares("CONFIRM_REMOVAL")
def test_removal_is_not_confirmed_before_its_generation_is_observed(statement):
    ours = syncs(**BEHIND)
    syncs("other.org", generation=9, observed_generation=9)
    assert [confirmed(statement, generation) for generation in (2, 3)] == [[(False, False)]] * 2
    assert [confirmed(statement, generation) for generation in (4, 5, None)] == [[]] * 3
    DomainSync.objects.filter(pk=ours.pk).update(observed_generation=5)
    assert confirmed(statement, None) == [(False, False)]


@compares("CONFIRM_REMOVAL")
@pytest.mark.parametrize("scope", SCOPES, ids=SCOPE_NAMES)
def test_removal_is_not_confirmed_while_a_rule_may_still_get_a_recipient(statement, scope):
    syncs(**BEHIND)
    call(entry(scope=scope))
    for operation in Operation:
        InFlightCall.objects.update(operation=operation)
        assert confirmed(statement) == [(operation in (Operation.CREATE_RULE, Operation.UPDATE_RULE), False)]


@compares("CONFIRM_REMOVAL")
@pytest.mark.parametrize("scope", SCOPES, ids=SCOPE_NAMES)
def test_removal_is_not_confirmed_while_another_scope_has_a_recipient(statement, scope):
    syncs(**BEHIND)
    with_recipients(entry(scope=scope), "a")
    assert confirmed(statement) == [(False, scope is not HERE)]


@compares("CONFIRM_REMOVAL")
@pytest.mark.parametrize("scope", SCOPES, ids=SCOPE_NAMES)
def test_removal_is_not_confirmed_while_a_rule_has_the_address(statement, scope):
    syncs(**BEHIND)
    with_recipients(entry(scope=scope), "b")
    assert confirmed(statement) == ([] if scope is HERE else [(False, True)])


@compares("CONFIRM_REMOVAL")
@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"scope": OTHER_RULE_SET, "domain": "other.org"}, id="other domain"),
        pytest.param({"scope": OTHER_RULE_SET, "kind": ResourceKind.IDENTITY}, id="identity"),
        pytest.param({"scope": {"region": "", "rule_set": "ours"}}, id="no region"),
    ],
)
def test_what_is_no_rule_of_the_domain_does_not_matter_to_a_removal(statement, other):
    syncs(**BEHIND)
    call(with_recipients(entry(**other), "a"))
    assert confirmed(statement) == [(False, False)]
