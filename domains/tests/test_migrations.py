"""Migrations of an installation that has data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from domains.models import DomainDeletion
from inbound.tests.support.factories import UserFactory

BEFORE = [("domains", "0005_filter_indexes")]

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def executor() -> Iterator[MigrationExecutor]:
    yield MigrationExecutor(connection)
    latest = MigrationExecutor(connection)
    latest.migrate(latest.loader.graph.leaf_nodes())


def at(targets):
    """Migrate, and return the models of that state."""
    executor = MigrationExecutor(connection)
    return executor.migrate(targets).apps


def leaves():
    return [node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] == "domains"]


def test_verification_takes_over_what_is_stored_and_gives_it_back(executor):
    owner = UserFactory()
    old = at(BEFORE)
    domain_model, record_model = old.get_model("domains", "Domain"), old.get_model("domains", "DnsRecord")
    common = {"owner_id": owner.pk, "updated_at": timezone.now()}
    verified = domain_model.objects.create(id="indm_a", name="a.com", status="verified", **common)
    pending = domain_model.objects.create(id="indm_b", name="b.com", status="pending", **common)
    for domain in (verified, pending):
        for number, (kind, name, value) in enumerate(
            [
                ("TXT", f"_amazonses.{domain.name}", "token"),
                ("MX", domain.name, "10 inbound-smtp.eu-west-1.amazonaws.com"),
                ("TXT", domain.name, "v=spf1 include:amazonses.com ~all"),
            ]
        ):
            record_model.objects.create(
                id=f"dns_{domain.name}{number}",
                domain=domain,
                record_type=kind,
                name=name,
                value=value,
                is_verified=domain is verified,
            )

    new = at(leaves())
    rows = {row.name: row for row in new.get_model("domains", "Domain").objects.all()}
    assert rows["a.com"].unverified_since is None
    assert rows["a.com"].verified_at is not None
    # The claim begins now, and did not end while nobody could prove the name.
    assert (timezone.now() - rows["b.com"].unverified_since).total_seconds() < 600
    assert {row.dns_record_count for row in rows.values()} == {3}
    records = new.get_model("domains", "DnsRecord").objects
    assert set(records.filter(domain_id="indm_a").values_list("state", flat=True)) == {"verified"}
    assert set(records.filter(domain_id="indm_b").values_list("state", flat=True)) == {""}
    assert records.filter(is_required=False).count() == 2
    # The triggers still count.
    records.filter(domain_id="indm_b").first().delete()
    assert new.get_model("domains", "Domain").objects.get(pk="indm_b").dns_record_count == 2

    back = at(BEFORE)
    assert back.get_model("domains", "DnsRecord").objects.filter(is_verified=True).count() == 3
    assert back.get_model("domains", "Domain").objects.get(pk="indm_b").dns_record_count == 2
    at(leaves())


def test_deletions_of_the_version_before_mail_had_rows_go_on(executor):
    old = at([("domains", "0007_long_texts")]).get_model("domains", "DomainDeletion").objects
    now, owner = timezone.now(), UserFactory()
    done = {"rules": "done", "identity": "kept", "rows": "done", "rows_at": now}
    for name, values in {
        "finished": {**done, "stored_mail": "kept", "finished_at": now},
        "erasing": {**done, "stored_mail": "owed"},
        "begun": {},
    }.items():
        old.create(id=name, domain_id=f"indm_{name}", name=f"{name}.example.com", owner_id=owner.pk, **values)

    at(leaves())
    rows = {row.pk: row for row in DomainDeletion.objects.all()}
    assert {pk: row.received_emails for pk, row in rows.items()} == {
        "finished": "done", "erasing": "done", "begun": "owed"
    }  # fmt: skip
    assert [rows[pk].received_emails_at for pk in ("finished", "erasing")] == [now, now]
    assert rows["begun"].pending_steps == list(DomainDeletion.STEPS)
