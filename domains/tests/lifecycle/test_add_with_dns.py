"""POST /domains and the DNS of the new name: provider, records in the way, and other domains' MAIL FROM hosts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.lifecycle.mail_from import LABELS
from domains.models import Domain
from domains.verification.claims import proof_of
from inbound.tests.support.aws import calls, create_foreign_identity, fail_calls, keep_new_identities_pending
from inbound.tests.support.factories import DomainFactory, UserFactory
from ses_integration.aws import clients

pytestmark = pytest.mark.sqlite

URL = "/api/v2/domains"
OURS = "10 inbound-smtp.eu-west-1.amazonaws.com"


def add(api, name="example.com"):
    return api.post(URL, {"domain": name})


def records(answer):
    return {(record["type"], record["name"]): record["value"] for record in answer.json()["dnsRecords"]}


def test_the_provider_comes_from_the_name_servers(api, ses, dns):
    dns.publish("example.com", "NS", "amy.ns.cloudflare.com.", "bob.ns.cloudflare.com.")
    body = add(api).json()
    assert (body["domainProvider"], body["providerConfidence"]) == ("Cloudflare", "high")
    assert Domain.objects.get().last_dns_check


def test_mail_that_is_set_up_elsewhere_is_a_conflict(api, ses, dns):
    dns.publish("example.com", "MX", "10 aspmx.l.google.com.", "20 alt.l.google.com.")
    answer = add(api)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Domain has 2 MX record(s) - email already configured"},
    )
    assert not Domain.objects.exists()
    assert calls(ses) == []


def test_a_cname_is_a_conflict(api, ses, dns):
    dns.publish("www.example.com", "CNAME", "elsewhere.example.net.")
    assert add(api, "www.example.com").json() == {"error": "Domain has CNAME record(s) - conflicts with MX records"}


def test_our_own_mx_record_is_no_conflict(api, ses, dns):
    dns.publish("example.com", "MX", OURS)
    answer = add(api)
    assert (answer.status_code, answer.json()["hasMxRecords"]) == (201, True)


def test_the_owner_has_the_name_before_dns_matters(api, user, ses, dns):
    dns.publish("example.com", "MX", "10 mx.example.net.")
    DomainFactory(owner=user, name="example.com")
    assert add(api).json() == {"error": "You have already added this domain to your account"}


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_trouble_with_dns_is_reported_and_is_not_no_record(api, ses, dns, rcode):
    dns.answers(".", rcode)
    answer = add(api)
    assert answer.status_code == 201
    assert answer.json()["warning"].endswith("Whether the domain receives mail elsewhere is not known.")
    assert (answer.json()["domainProvider"], answer.json()["providerConfidence"]) == (None, None)
    assert Domain.objects.get().last_dns_check is None


def test_a_mail_from_host_cannot_be_a_domain(api, ses):
    assert add(api, "example.com").status_code == 201
    answer = add(api, "mail.example.com")
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "mail.example.com is the MAIL FROM domain of example.com, so its MX record is for bounces and cannot receive "
        "other mail. Choose another MAIL FROM domain for example.com first: POST /domains/{id}/auth with mailFromDomain.",
        "code": "DOMAIN_IS_MAIL_FROM",
    }


def test_after_another_mail_from_domain_is_chosen_its_host_can_be_a_domain(api, ses):
    pk = add(api, "example.com").json()["id"]
    assert api.post(f"{URL}/{pk}/auth", {"mailFromDomain": "bounce"}).status_code == 201
    assert add(api, "mail.example.com").status_code == 201
    again = api.post(f"{URL}/{pk}/auth", {"mailFromDomain": "mail"})
    assert again.status_code == 409
    assert again.json()["error"].startswith("mail.example.com receives mail itself.")


def test_a_domain_above_one_of_its_usual_mail_from_host_gets_another(api, ses):
    assert add(api, "mail.example.com").status_code == 201
    answer = add(api, "example.com")
    assert answer.json()["mailFromDomain"] == "bounce.example.com"
    assert ("MX", "bounce.example.com") in records(answer)
    assert ("MX", "mail.example.com") not in records(answer)


def test_an_adopted_identity_keeps_its_own_dkim_key_and_mail_from_domain(api, ses, dns):
    sesv2 = clients.sesv2("eu-west-1")
    sesv2.create_email_identity(
        EmailIdentity="example.com",
        DkimSigningAttributes={"DomainSigningSelector": "sel2024", "DomainSigningPrivateKey": "cHJpdmF0ZQ=="},
    )
    sesv2.put_email_identity_mail_from_attributes(EmailIdentity="example.com", MailFromDomain="news.example.com")
    answer = add(api)
    told = records(answer)
    assert not any("_domainkey" in name for _, name in told)
    assert ("MX", "news.example.com") in told
    assert answer.json()["mailFromDomain"] == "news.example.com"
    shown = api.get(f"{URL}/{answer.json()['id']}?check=true").json()["verificationCheck"]
    assert shown["dkimTokens"] == []
    assert len(shown["dnsRecords"]) == 6
    # SES knows the owner by that key, so the verification TXT is not needed.
    dns.publish("example.com", "MX", OURS)
    Domain.objects.update(missing_since=timezone.now() - timedelta(hours=73))
    checked = api.get(f"{URL}/{answer.json()['id']}?check=true").json()
    assert (checked["status"], checked["canReceiveEmails"]) == ("verified", True)
    assert checked["verificationCheck"]["isFullyVerified"] is True


def test_an_adopted_identity_without_a_mail_from_domain_gets_none(api, ses):
    create_foreign_identity("example.com")
    told = records(add(api))
    assert len(told) == 7
    assert ("MX", "mail.example.com") not in told


def test_an_adopted_identity_is_not_changed_because_its_usual_mail_from_host_is_a_domain(api, ses):
    create_foreign_identity("example.com")
    assert add(api, "mail.example.com").status_code == 201
    ses.clear_journal()
    answer = add(api)
    assert answer.status_code == 201
    assert "SetIdentityMailFromDomain" not in calls(ses)
    # An upgrade chooses a free one.
    upgraded = api.patch(f"{URL}/{answer.json()['id']}").json()
    assert upgraded["mailFromDomain"] == "bounce.example.com"


def test_an_adopted_identity_whose_mail_from_domain_is_a_domain_gets_a_warning(api, ses):
    create_foreign_identity("example.com")
    clients.ses("eu-west-1").set_identity_mail_from_domain(Identity="example.com", MailFromDomain="own.example.com")
    assert add(api, "own.example.com").status_code == 201
    answer = add(api)
    assert answer.status_code == 201
    assert answer.json()["warning"].startswith("SES uses own.example.com as MAIL FROM domain of example.com, but own")
    assert ("MX", "own.example.com") not in records(answer)


def test_a_mail_from_domain_that_is_not_set_yet_cannot_be_a_domain(api, ses, impatient):
    fail_calls(ses, "SetIdentityMailFromDomain")
    pk = add(api).json()["id"]
    assert add(api, "mail.example.com").status_code == 409
    ses.clear_faults()
    fail_calls(ses)
    api.post(f"{URL}/{pk}/auth", {"mailFromDomain": "in"})
    assert add(api, "in.example.com").status_code == 409


def test_a_domain_without_a_mail_from_host_left_is_refused(api, ses):
    for label in LABELS:
        assert add(api, f"{label}.example.com").status_code == 201
    assert add(api).json()["error"].startswith("example.com has no MAIL FROM domain left: mail, bounce, ")


def test_a_strangers_claim_does_not_reserve_its_mail_from_host(api, user, client_for, ses, dns):
    keep_new_identities_pending(ses)
    stranger = client_for(UserFactory())
    assert add(stranger).status_code == 201
    proof = proof_of(user, "mail.example.com")
    dns.publish(proof.name, "TXT", proof.value)
    assert add(api, "mail.example.com").status_code == 201
