"""The name of a domain in its grace period: its owner's, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.lifecycle.mail_from import MailFromConflict
from domains.lifecycle.register import add_domain
from domains.models import Domain, DomainDeletion, Step
from domains.tests.grace.conftest import URL
from domains.verification.claims import proof_of
from inbound.tests.support.aws import calls, identities, key_prefixes, stored_keys
from inbound.tests.support.factories import UserFactory
from inbound.worker import Worker

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]


@pytest.fixture
def stranger(client_for):
    return client_for(UserFactory())


def only_claimed(full):
    """Nobody has proven it, and its claim ended long ago."""
    Domain.objects.filter(pk=full.pk).update(
        status="pending", verified_at=None, unverified_since=timezone.now() - timedelta(days=30)
    )


def test_its_owner_is_asked_whether_to_restore_or_to_start_afresh(api, deletion, ses):
    answer = api.post(URL, {"domain": "example.com"})
    body = answer.json()
    assert answer.status_code == 409
    assert (body["code"], body["deletionId"]) == ("DOMAIN_RESTORABLE", deletion.pk)
    assert body["restorableUntil"]
    assert "startAfresh" in body["error"]
    assert calls(ses) == []
    assert DomainDeletion.objects.get().in_grace


def test_starting_afresh_deletes_the_old_one_for_good(api, deletion, full, ses):
    answer = api.post(URL, {"domain": "example.com", "startAfresh": True})
    assert answer.status_code == 201, answer.json()
    again = Domain.objects.get()
    assert again.pk == answer.json()["id"] != full.pk
    assert again.email_addresses.count() == 0
    record = DomainDeletion.objects.get()
    assert (record.rows, record.email_addresses, record.in_grace) == (Step.DONE, 2, False)
    assert identities(ses) == {"example.com"}
    api.post("/api/v2/email-addresses", {"address": "new@example.com", "domainId": again.pk})
    for _ in range(2):
        Worker().tick()
    assert key_prefixes(ses) == {"inbound-example.com-rule": again.key_prefix}
    assert stored_keys() == []
    assert DomainDeletion.objects.get().finished_at
    refused = api.post(f"/api/v2/deletions/{record.pk}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "NOT_RESTORABLE")


def test_starting_afresh_means_nothing_for_a_new_name(api, ses, grace):
    assert api.post(URL, {"domain": "example.com", "startAfresh": True}).status_code == 201


def test_start_afresh_must_be_a_boolean(api, deletion):
    answer = api.post(URL, {"domain": "example.com", "startAfresh": "true"})
    assert answer.status_code == 400
    assert DomainDeletion.objects.get().in_grace


@pytest.mark.parametrize("name", ["example.com", "sub.example.com"])
def test_others_cannot_have_it_or_a_name_below_it(stranger, deletion, name):
    answer = stranger.post(URL, {"domain": name})
    assert answer.status_code == 409
    assert deletion.pk not in str(answer.json())
    assert Domain.objects.get().name == "example.com"
    assert DomainDeletion.objects.get().in_grace


def test_a_claim_that_nobody_has_proven_ends_as_if_it_were_not_deleted(stranger, deletion, full):
    only_claimed(full)
    answer = stranger.post(URL, {"domain": "example.com"})
    assert answer.status_code == 201, answer.json()
    assert Domain.objects.get().owner != full.owner
    record = DomainDeletion.objects.get()
    assert (record.rows, record.in_grace) == (Step.DONE, False)


@pytest.mark.parametrize("who", ["api", "stranger"])
def test_what_is_over_is_free_before_the_worker_ends_it(request, deletion, ends, who):
    ends(-1)
    answer = request.getfixturevalue(who).post(URL, {"domain": "example.com"})
    assert answer.status_code == 201, answer.json()
    record = DomainDeletion.objects.get()
    assert (record.rows, record.in_grace) == (Step.DONE, False)
    assert record.grace_ended_at


def test_its_mail_from_domain_stays_reserved(user, deletion):
    with pytest.raises(MailFromConflict, match="which is deleted and can be restored"):
        add_domain(owner=user, name="mail.example.com")


def test_the_admin_s_form_says_what_to_do(client, user, deletion):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.post("/admin/domains/domain/add/", {"name": "example.com", "owner": user.pk})
    assert "Restore it on the page of its deletion" in page.content.decode()
    assert DomainDeletion.objects.get().in_grace


def test_the_owner_of_a_name_below_does_not_read_that_it_can_be_restored(api, deletion, client_for, dns):
    other, body = UserFactory(), {"domain": "mail.example.com"}
    proof = proof_of(other, "mail.example.com")
    dns.publish(proof.name, "TXT", proof.value)
    told = client_for(other).post(URL, body)
    assert (told.status_code, told.json()["code"]) == (409, "DOMAIN_IS_MAIL_FROM")
    assert "restore" not in told.json()["error"].lower()
    assert "can be restored" in api.post(URL, body).json()["error"]
