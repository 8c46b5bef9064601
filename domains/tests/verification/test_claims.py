"""Claims to names: adding a name that somebody else has, or a name above or below it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.lifecycle.identity import check_due
from domains.models import Domain, DomainDeletion
from domains.verification.claims import proof_of
from inbound.tests.support.aws import identities, keep_new_identities_pending, set_verification_status
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


def test_an_own_claim_is_never_in_the_way(api, user, ses):
    DomainFactory(owner=user, name="x.example.com", status="pending")
    assert api.post(URL, {"domain": "example.com"}).status_code == 201
    assert api.post(URL, {"domain": "y.example.com"}).status_code == 201


def test_a_domain_that_lost_its_verification_is_given_up_only_after_72_hours_and_with_proof(
    api, stranger, user, ses, dns
):
    stranger.post(URL, {"domain": "example.com"})
    set_verification_status(ses, "example.com", "Pending")
    pk = Domain.objects.get().pk
    assert stranger.get(f"{URL}/{pk}?check=true").json()["status"] == "pending"
    prove(dns, user, "example.com")
    refused = api.post(URL, {"domain": "example.com"})
    assert refused.status_code == 409
    assert refused.json()["details"].startswith(
        "Another account has lost its verification of this name. Its claim ends"
    )
    # Starting again does not begin the 72 hours anew.
    Domain.objects.update(unverified_since=timezone.now() - timedelta(hours=73))
    stranger.post(f"{URL}/{pk}/auth")
    assert api.post(URL, {"domain": "example.com"}).status_code == 201
    assert names_of(stranger) == set()


def test_starting_again_does_not_renew_a_claim(api, stranger, pending):
    pk = stranger.post(URL, {"domain": "victim.com"}).json()["id"]
    expire("victim.com")
    assert stranger.post(f"{URL}/{pk}/auth").status_code == 201
    assert stranger.patch(f"{URL}/{pk}").status_code == 200
    assert api.post(URL, {"domain": "victim.com"}).status_code == 201


def test_a_claim_does_not_end_if_ses_has_verified_the_domain_meanwhile(api, stranger, pending, ses):
    stranger.post(URL, {"domain": "victim.com"})
    expire("victim.com")
    set_verification_status(ses, "victim.com", "Success")
    assert api.post(URL, {"domain": "victim.com"}).status_code == 409
    assert Domain.objects.get().owner == stranger.owner
    assert Domain.objects.get().status == "verified"


def test_a_claim_does_not_end_if_its_owner_has_published_a_proof(api, stranger, pending, dns):
    stranger.post(URL, {"domain": "victim.com"})
    expire("victim.com")
    prove(dns, stranger.owner, "victim.com")
    assert api.post(URL, {"domain": "victim.com"}).status_code == 409
    assert Domain.objects.get().proven_at


def test_a_claim_does_not_end_while_dns_cannot_be_asked_for_a_proof(api, stranger, pending, dns):
    stranger.post(URL, {"domain": "victim.com"})
    expire("victim.com")
    dns.answers("_inbound-proof.victim.com", "SERVFAIL")
    refused = api.post(URL, {"domain": "victim.com"})
    assert refused.status_code == 409
    assert refused.json()["details"].endswith("Try again later.")
    assert names_of(stranger) == {"victim.com"}


def test_no_claim_ends_for_a_domain_that_is_refused(api, stranger, pending, dns):
    stranger.post(URL, {"domain": "victim.com"})
    expire("victim.com")
    dns.publish("victim.com", "MX", "10 mx.example.net")
    assert api.post(URL, {"domain": "victim.com"}).status_code == 400
    assert names_of(stranger) == {"victim.com"}


def test_records_that_another_account_has_left_in_dns_prove_nothing(api, stranger, user, dns, ses):
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    api.delete(f"{URL}/{pk}")
    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com")
    refused = stranger.post(URL, {"domain": "example.com"})
    assert refused.status_code == 409
    assert refused.json()["details"].startswith(
        "Another account had this domain, and its MX record may still lead here."
    )
    # Silence is no proof either that the record is gone.
    dns.answers("example.com", "SERVFAIL")
    assert stranger.post(URL, {"domain": "example.com"}).status_code == 409
    assert api.post(URL, {"domain": "example.com"}).status_code == 201


def test_a_name_that_its_owner_has_added_again_is_not_promised_to_others(api, stranger, dns, ses):
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    api.delete(f"{URL}/{pk}")
    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com")
    api.post(URL, {"domain": "example.com"})
    refused = stranger.post(URL, {"domain": "example.com"})
    assert refused.status_code == 409
    assert not refused.json().keys() & {"details", "proof"}


def test_a_name_that_its_owner_can_restore_is_not_promised_to_others(api, stranger, dns, ses, settings):
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    api.delete(f"{URL}/{pk}")
    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com")
    refused = stranger.post(URL, {"domain": "example.com"})
    assert refused.status_code == 409
    assert not refused.json().keys() & {"details", "proof"}


def test_claims_below_a_domain_end_when_it_is_verified(api, stranger, pending, ses):
    api.post(URL, {"domain": "victim.com"})
    expire("victim.com")
    assert stranger.post(URL, {"domain": "x.victim.com"}).status_code == 201
    set_verification_status(ses, "victim.com", "Success")
    Domain.objects.filter(name="victim.com").update(next_check=timezone.now())
    check_due()
    assert names_of(stranger) == set()
    assert DomainDeletion.objects.get().requested_by == "(claim ended)"
