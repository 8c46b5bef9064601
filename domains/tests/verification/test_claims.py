"""Claims to names: what somebody else's domain means for a new name, over the API and as a rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import Domain, DomainDeletion
from domains.verification.claims import Ruling, proof_of, ruling
from inbound.tests.support.aws import identities, keep_new_identities_pending
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "/api/v2/domains"
TAKEN = "This domain is already registered on our platform."


@pytest.fixture
def stranger(client_for):
    """The API as another user sees it."""
    client = client_for(UserFactory())
    client.owner = Domain._meta.get_field("owner").related_model.objects.latest("pk")
    return client


@pytest.fixture
def pending(ses):
    keep_new_identities_pending(ses)


def expire(name):
    Domain.objects.filter(name=name).update(unverified_since=timezone.now() - timedelta(hours=73))


def prove(dns, user, name):
    proof = proof_of(user, name)
    dns.publish(proof.name, "TXT", proof.value)


def names_of(client):
    return {row["domain"] for row in client.get(URL).json()["data"]}


@pytest.mark.parametrize(
    ("first", "second"),
    [("victim.com", "victim.com"), ("x.victim.com", "victim.com"), ("victim.com", "x.victim.com")],
)
def test_a_strangers_claim_holds_for_72_hours(api, stranger, pending, first, second):
    assert stranger.post(URL, {"domain": first}).status_code == 201
    refused = api.post(URL, {"domain": second})
    assert refused.status_code == 409
    body = refused.json()
    assert body["error"].startswith(TAKEN)
    assert body["code"] == "DOMAIN_ALREADY_REGISTERED"
    assert body["details"].startswith("Another account has claimed it without proof. The claim ends at ")
    assert body["proof"]["type"] == "TXT"
    expire(first)
    assert api.post(URL, {"domain": second}).status_code == 201


def test_a_claim_that_has_ended_is_deleted_with_a_report(api, stranger, pending, ses):
    stranger.post(URL, {"domain": "victim.com"})
    expire("victim.com")
    assert api.post(URL, {"domain": "victim.com"}).status_code == 201
    assert (names_of(stranger), names_of(api)) == (set(), {"victim.com"})
    report = DomainDeletion.objects.get()
    assert (report.owner, report.requested_by) == (stranger.owner, "(claim ended)")
    assert identities(ses) == {"victim.com"}


def test_the_owner_of_the_name_wins_at_once_with_a_txt_record(api, stranger, user, pending, dns):
    stranger.post(URL, {"domain": "x.victim.com"})
    record = api.post(URL, {"domain": "victim.com"}).json()["proof"]
    assert (record["name"], record["value"]) == ("_inbound-proof.victim.com", proof_of(user, "victim.com").value)
    dns.publish(record["name"], record["type"], "google-site-verification=x", record["value"])
    assert api.post(URL, {"domain": "victim.com"}).status_code == 201
    # It would be verified together with its parent.
    assert names_of(stranger) == set()
    assert Domain.objects.get().proven_at


def test_the_proof_of_one_account_is_useless_to_another(api, stranger, pending, dns):
    api.post(URL, {"domain": "victim.com"})
    prove(dns, UserFactory(), "victim.com")
    assert stranger.post(URL, {"domain": "victim.com"}).status_code == 409
    assert names_of(api) == {"victim.com"}


def test_a_proven_claim_is_not_ended_by_time(api, stranger, user, pending, dns):
    stranger.post(URL, {"domain": "victim.com"})
    prove(dns, user, "victim.com")
    assert api.post(URL, {"domain": "victim.com"}).status_code == 201
    expire("victim.com")
    assert stranger.post(URL, {"domain": "victim.com"}).status_code == 409


def test_a_subdomain_of_a_verified_domain_needs_proof_and_leaves_it_alone(api, stranger, dns, ses):
    assert api.post(URL, {"domain": "example.com"}).json()["status"] == "verified"
    refused = stranger.post(URL, {"domain": "team.example.com"})
    assert refused.status_code == 409
    assert refused.json()["details"].startswith("Another account has this name, or a name above or below it.")
    prove(dns, stranger.owner, "team.example.com")
    assert stranger.post(URL, {"domain": "team.example.com"}).status_code == 201
    assert (names_of(api), names_of(stranger)) == ({"example.com"}, {"team.example.com"})


def test_a_verified_domain_is_never_taken_away(api, stranger, dns, ses):
    api.post(URL, {"domain": "example.com"})
    prove(dns, stranger.owner, "example.com")
    refused = stranger.post(URL, {"domain": "example.com"})
    assert (refused.status_code, "proof" in refused.json()) == (409, False)
    assert names_of(api) == {"example.com"}


def test_trouble_with_dns_is_no_proof_and_is_told(api, stranger, pending, dns):
    stranger.post(URL, {"domain": "victim.com"})
    dns.answers("_inbound-proof.victim.com", "SERVFAIL")
    refused = api.post(URL, {"domain": "victim.com"})
    assert refused.status_code == 409
    assert refused.json()["details"].endswith("DNS could not be asked whether it is published.")


def test_a_proof_outlives_a_rotation_of_the_secret_key(api, stranger, user, pending, dns, settings):
    stranger.post(URL, {"domain": "victim.com"})
    prove(dns, user, "victim.com")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    assert api.post(URL, {"domain": "victim.com"}).status_code == 201


def test_a_private_suffix_needs_proof(api, user, dns, ses):
    refused = api.post(URL, {"domain": "github.io"})
    assert refused.status_code == 400
    assert refused.json()["error"] == "Invalid domain format"
    assert refused.json()["details"].startswith("github.io is a suffix below which others have names. To prove")
    assert not Domain.objects.exists()
    proof = refused.json()["proof"]
    dns.publish(proof["name"], "TXT", proof["value"])
    assert api.post(URL, {"domain": "github.io"}).status_code == 201


KINDS = {
    "claimed": {"status": "pending"},
    "expired": {"status": "failed", "expired": True},
    "proven": {"status": "pending", "proven": True},
    "verified": {"status": "verified"},
    "lost": {"status": "pending", "verified_before": True},
    "lost for long": {"status": "failed", "verified_before": True, "expired": True},
}
RULINGS = [
    # What somebody else has, where, and what it means without and with proof of the new name.
    ("claimed", "same", "needs proof", "ends"),
    ("expired", "same", "ends", "ends"),
    ("proven", "same", "needs proof", "needs proof"),
    ("verified", "same", "taken", "taken"),
    ("lost", "same", "needs proof", "needs proof"),
    ("lost for long", "same", "needs proof", "ends"),
    ("claimed", "above", "needs proof", "free"),
    ("expired", "above", "free", "free"),
    ("proven", "above", "needs proof", "free"),
    ("verified", "above", "needs proof", "free"),
    ("lost", "above", "needs proof", "free"),
    ("lost for long", "above", "needs proof", "free"),
    ("claimed", "below", "needs proof", "ends"),
    ("expired", "below", "ends", "ends"),
    ("proven", "below", "needs proof", "free"),
    ("verified", "below", "needs proof", "free"),
    ("lost", "below", "needs proof", "free"),
    ("lost for long", "below", "needs proof", "free"),
]


@pytest.mark.parametrize(("kind", "place", "without", "with_proof"), RULINGS)
def test_rulings(kind, place, without, with_proof):
    now = timezone.now()
    facts = KINDS[kind]
    since = now - timedelta(hours=73 if facts.get("expired") else 1)
    other = Domain(
        name={"same": "b.example.com", "above": "example.com", "below": "a.b.example.com"}[place],
        status=facts["status"],
        unverified_since=None if kind == "verified" else since,
        verified_at=now - timedelta(days=9) if facts.get("verified_before") or kind == "verified" else None,
        proven_at=since if facts.get("proven") else None,
    )
    rulings = [ruling(other, "b.example.com", proven=proven, now=now) for proven in (False, True)]
    assert rulings == [Ruling(without), Ruling(with_proof)]


def test_an_own_claim_is_never_in_the_way(api, user, ses):
    DomainFactory(owner=user, name="x.example.com", status="pending")
    assert api.post(URL, {"domain": "example.com"}).status_code == 201
    assert api.post(URL, {"domain": "y.example.com"}).status_code == 201
