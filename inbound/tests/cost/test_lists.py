"""The number of SQL statements of a list does not depend on the number of rows, with any filter, and its total is exact."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.models import EmailAddress
from archives.models import Export, Import
from audit.actions import Action
from audit.api.filters import BeforeFilter, TimeFilter, WordFilter
from audit.record import Entry, record
from domains.models import Domain, DomainDeletion
from inbound.tests.api.routes import ROUTES, allows
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeletedAddressFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
    UserFactory,
)
from mail.api.filters import NamedFilter
from rest.filters import ChoiceFilter, FlagFilter, IdFilter, OrderFilter, TextFilter

pytestmark = pytest.mark.sqlite

LISTS = [route for route, view in ROUTES.items() if view.actions.get("get") == "list"]
FEW, MORE = 2, 12
# The offset is added.
LAST_PAGE = "limit=1&offset="


def populate(owner: User, count: int) -> Domain:
    """Create `count` rows of each kind in a domain of their own. Return the domain."""
    domain = DomainFactory(owner=owner)
    for number in range(count):
        DomainFactory(owner=owner, catch_all_endpoint=EndpointFactory(owner=owner), is_catch_all_enabled=True)
        EmailAddressFactory(domain=domain, endpoint=EndpointFactory(owner=owner))
        DeletedAddressFactory(domain=domain)
        BlockedEmailFactory(domain=domain)
        DnsRecordFactory(domain=domain)
        DomainDeletion.objects.create(owner=owner, domain_id=f"{domain.pk}-{number}", name=f"gone{number}.example.com")
        ReceivedEmailFactory(message__domain=domain)
        Export.objects.create(domain=domain, domain_name=domain.name, account=owner, bucket="b", state="ready")
        Import.objects.create(domain=domain, domain_name=domain.name, account=owner)
        record(Entry.of(Action.CHANGED, domain, owner.pk))
    return domain


def queries(route: str, domain: Domain) -> list[str]:
    """All values of all filters of a list, and its last page."""
    found = ["", LAST_PAGE]
    for query_filter in ROUTES[route].cls.filters:
        match query_filter:
            case IdFilter():
                values = [domain.pk]
            case FlagFilter():
                values = ["true", "false"]
            case ChoiceFilter() | OrderFilter() | NamedFilter():
                values = query_filter.schema["enum"]
            case TextFilter():
                values = [domain.name if query_filter.parameter == "domain" else "e"]
            case WordFilter():
                values = list(query_filter.values)
            case TimeFilter():
                values = ["2026-01-01T00:00:00Z"]
            case BeforeFilter():
                values = [str(10**9)]
            case _:
                raise AssertionError(f"Add values for {query_filter}.")
        found += [f"{query_filter.parameter}={value}" for value in values]
    return found


def count_statements(api, route: str, query: str) -> int:
    path = f"/api/v2/{route}?{query}"
    if query == LAST_PAGE:
        path += str(api.get(f"/api/v2/{route}").json()["pagination"]["total"] - 1)
    with CaptureQueriesContext(connection) as captured:
        assert api.get(path).status_code == 200
    return len(captured)


def test_there_are_lists():
    assert len(LISTS) == 12
    assert all(allows(route, "GET") for route in LISTS)


@pytest.mark.parametrize("route", LISTS)
def test_a_list_takes_as_many_statements_for_more_rows(api, user, route, subtests):
    api.get(f"/api/v2/{route}")  # records the use of the key
    few = populate(user, FEW)
    expected = {query: count_statements(api, route, query) for query in queries(route, few)}
    more = populate(user, MORE)
    for query in expected:
        with subtests.test(query=query):
            assert count_statements(api, route, query.replace(few.pk, more.pk)) <= expected[query]


@pytest.mark.parametrize("route", LISTS)
def test_the_total_is_the_number_of_rows_on_all_pages(api, user, route, subtests):
    domain = populate(user, MORE)
    Domain.objects.filter(pk=populate(user, FEW).pk).update(deleting_since=timezone.now())
    EmailAddress.objects.filter(pk__in=domain.email_addresses.values("pk")[:5]).update(is_active=False)
    populate(UserFactory(), FEW)
    name = ROUTES[route].cls.rows_name
    for query in queries(route, domain):
        with subtests.test(query=query):
            path = f"/api/v2/{route}?{query.removeprefix(LAST_PAGE)}"
            total, rows = api.get(path).json()["pagination"]["total"], []
            while page := api.get(f"{path}&limit=5&offset={len(rows)}").json()[name]:
                rows += [row["id"] for row in page]
            assert total == len(rows) == len(set(rows))
