"""The ledger in the admin: read-only pages, and the push action."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from domains.lifecycle.register import add_domain
from inbound.tests.support.admin_site import (
    assert_constant_statements,
    delete_selected,
    open_links,
    run_action,
    staff,
    text,
    url,
)
from inbound.tests.support.factories import EmailAddressFactory
from ses_integration.models import (
    DomainSync,
    InFlightCall,
    Lease,
    LedgerEntry,
    LedgerIdentity,
    LedgerRecipient,
    RateLimit,
)
from ses_integration.status import wording

pytestmark = pytest.mark.sqlite

MODELS: dict[str, type[Any]] = {
    "domainsync": DomainSync,
    "lease": Lease,
    "ratelimit": RateLimit,
    "ledgerentry": LedgerEntry,
}
SYNC_STATES = url("ses_integration.domainsync", "changelist")
SCOPE = {"region": "eu-west-1", "rule_set": "inbound-email-rules"}


@pytest.fixture
def domain(ses, user):
    """With a rule, an identity, a lease and a mark."""
    domain = add_domain(owner=user, name="example.com").domain
    EmailAddressFactory(domain=domain, address="a@example.com")
    RateLimit.objects.get_or_create(region="eu-west-1", defaults={"next_slot": timezone.now()})
    return domain


def test_every_page_opens_with_links_to_its_neighbours(domain, admin_client: Client):
    for name, model in MODELS.items():
        assert admin_client.get(url(f"ses_integration.{name}", "changelist") + "?q=example").status_code == 200
        for row in model.objects.all():
            assert open_links(admin_client, url(f"ses_integration.{name}", "change", row.pk))
    for state in ("pending", "applied"):
        assert admin_client.get(f"{SYNC_STATES}?state={state}").status_code == 200
    shown = text(admin_client.get(SYNC_STATES))
    assert "/admin/domains/domain/?name=example.com" in shown
    assert "/admin/domains/domaindeletion/?name=example.com" in shown


def test_an_entry_shows_its_recipients_calls_and_identity(domain, admin_client: Client):
    rule = LedgerEntry.objects.get(kind="rule")
    InFlightCall.objects.create(
        entry=rule, operation="update_rule", recipients=["late@example.com"], until=timezone.now(), fence=1
    )
    shown = text(admin_client.get(url("ses_integration.ledgerentry", "change", rule.pk)))
    assert "a@example.com" in shown
    assert "late@example.com" in shown
    identity = LedgerIdentity.objects.get()
    shown = text(admin_client.get(url("ses_integration.ledgerentry", "change", identity.pk)))
    assert identity.verification_token in shown
    assert "mail.example.com" in shown


def test_lists_have_a_constant_number_of_statements(ses, admin_client: Client):
    numbers = iter(range(1000))

    def sync():
        DomainSync.objects.create(domain=f"d{next(numbers)}.example.com", **SCOPE)

    def entry():
        name = f"e{next(numbers)}.example.com"
        row = LedgerEntry.objects.create(domain=name, kind="rule", name=name, changed_at=timezone.now(), **SCOPE)
        LedgerRecipient.objects.create(entry=row, recipient=f"a@{name}")
        InFlightCall.objects.create(entry=row, operation="create_rule", until=timezone.now(), fence=1)

    assert_constant_statements(admin_client, SYNC_STATES, sync)
    assert_constant_statements(admin_client, url("ses_integration.ledgerentry", "changelist"), entry)


def test_the_sync_state_is_shown_in_words(domain, admin_client: Client):
    assert "up to date" in text(admin_client.get(SYNC_STATES))
    sync = DomainSync.objects.get()
    sync.generation += 1
    sync.last_error = "SES is out of order."
    sync.save()
    assert "pending: SES is out of order." in text(admin_client.get(SYNC_STATES))
    until = timezone.now() + timedelta(minutes=10)
    entry = LedgerEntry.objects.get(kind="rule")
    InFlightCall.objects.create(entry=entry, operation="update_rule", until=until, fence=1)
    assert f"unconfirmed: {wording.unanswered(until)}" in text(admin_client.get(SYNC_STATES))
    DomainSync.objects.update(stalled=True)
    for path in (SYNC_STATES, url("ses_integration.domainsync", "change", sync.pk)):
        assert "needs you: SES is out of order." in text(admin_client.get(path))


def test_nothing_can_be_added_changed_or_deleted(domain, admin_client: Client):
    for name, model in MODELS.items():
        row = model.objects.first()
        assert row is not None
        paths = [url(f"ses_integration.{name}", "add")]
        paths += [url(f"ses_integration.{name}", page, row.pk) for page in ("change", "delete")]
        for path in paths:
            assert admin_client.post(path, {"post": "yes"}).status_code == 403, path
        delete_selected(admin_client, f"ses_integration.{name}", [row])
        assert model.objects.filter(pk=row.pk).exists()


def test_pushing_leaves_other_rule_sets_alone(domain, admin_client: Client):
    DomainSync.objects.update(retry_at=timezone.now() + timedelta(hours=1))
    elsewhere = DomainSync.objects.create(domain="example.org", region="eu-west-1", rule_set="another")
    _, messages = run_action(admin_client, "ses_integration.domainsync", "push_to_ses", list(DomainSync.objects.all()))
    assert [level for level, _ in messages] == ["error", "success"]
    assert messages[1][1] == "SES is up to date with 1 domain."
    elsewhere.refresh_from_db()
    assert elsewhere.generation == 0


def test_pushing_needs_the_change_permission(domain, client: Client):
    staff(client, "ses_integration.view_domainsync")
    assert "Push to SES now" not in text(client.get(SYNC_STATES))
    generation = DomainSync.objects.get().generation
    run_action(client, "ses_integration.domainsync", "push_to_ses", [DomainSync.objects.get()])
    assert DomainSync.objects.get().generation == generation
    staff(client, "ses_integration.change_domainsync")
    assert "Push to SES now" in text(client.get(SYNC_STATES))


def test_staff_without_permission_sees_nothing(domain, client: Client):
    staff(client)
    for name in MODELS:
        assert client.get(url(f"ses_integration.{name}", "changelist")).status_code == 403
