"""Two owners add related names concurrently, in threads with their own connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from domains.lifecycle.register import DomainTaken, add_domain
from domains.models import Domain
from inbound.tests.support.factories import UserFactory

pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize(("first", "second"), [("{}.com", "mail.{}.com"), ("{}.com", "{}.com")])
def test_parent_and_child_added_concurrently_get_one_owner(ses, first, second):
    owners = [UserFactory(), UserFactory()]
    for attempt in range(10):
        start = Barrier(2)

        def add(owner, name, start=start):
            try:
                start.wait()
                add_domain(owner=owner, name=name)
            except DomainTaken:
                return "taken"
            finally:
                connection.close()
            return "added"

        names = [first.format(f"tree{attempt}"), second.format(f"tree{attempt}")]
        with ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(add, owners, names))
        assert sorted(outcomes) == ["added", "taken"]
    assert Domain.objects.count() == 10
