from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from inbound.tests.factories import DomainFactory

BEFORE, AFTER = [("addresses", "0001_initial")], [("addresses", "0002_slots")]


@pytest.fixture
def before(transactional_db):
    """The tables as they were; brought up to date again at the end."""
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps.get_model("addresses", "EmailAddress")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("addresses"))


def test_every_address_stays_in_its_rule(before, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 3
    domain = DomainFactory(name="example.com")
    for number, chunk in enumerate([1, 1, 2, 3]):
        before.objects.create(pk=str(number), address=f"a{number}@example.com", domain_id=domain.pk, chunk=chunk)
    before.objects.create(pk="other", address="a@example.org", domain_id=DomainFactory().pk, chunk=1)
    executor = MigrationExecutor(connection)
    executor.migrate(AFTER)
    rows = executor.loader.project_state(AFTER).apps.get_model("addresses", "EmailAddress").objects
    assert dict(rows.values_list("pk", "slot")) == {"0": 0, "1": 1, "2": 3, "3": 6, "other": 0}
