"""Adding a domain in the admin: each refusal is an error at the name."""

from __future__ import annotations

import pytest
from django.test import Client

from domains.lifecycle.register import add_domain
from domains.models import Domain
from domains.verification.claims import proof_of
from inbound.tests.support.admin_site import post, text, url
from inbound.tests.support.aws import keep_new_identities_pending
from inbound.tests.support.factories import UserFactory

pytestmark = pytest.mark.sqlite

ADD = url("domains.domain", "add")


def errors(client: Client, name: str, owner) -> list[str]:
    """The errors at the name. Asserts that nothing was added and that nothing else is wrong."""
    before = Domain.objects.count()
    response = client.post(ADD, {"name": name, "owner": owner.pk})
    assert response.status_code == 200
    assert Domain.objects.count() == before
    form = response.context["adminform"].form
    assert list(form.errors) == ["name"]
    shown = [str(error) for error in form.errors["name"]]
    assert all(error in text(response) for error in shown)
    return shown


def test_a_suffix_that_needs_proof_is_refused_with_the_record(ses, user, dns, admin_client: Client):
    proof = proof_of(user, "github.io")
    [error] = errors(admin_client, "github.io", user)
    assert error.startswith("github.io is a suffix below which others have names.")
    assert f"publish the TXT record {proof.name} with the value {proof.value}, and add the domain again" in error
    dns.publish(proof.name, "TXT", proof.value)
    response, _ = post(admin_client, ADD, name="github.io", owner=user.pk)
    assert response.status_code == 302


@pytest.mark.parametrize("name", ["example.com", "a.example.com", "com.example"])
def test_a_name_that_somebody_else_has_claimed_is_refused_with_the_record(ses, user, dns, admin_client: Client, name):
    keep_new_identities_pending(ses)
    add_domain(owner=UserFactory(), name="example.com" if name != "com.example" else f"sub.{name}")
    [error] = errors(admin_client, name, user)
    assert error.startswith("Another account has claimed it without proof. The claim ends at 2")
    assert f"publish the TXT record _inbound-proof.{name} with the value inbound-proof=" in error


def test_a_name_below_somebody_elses_is_refused_with_the_record(ses, user, dns, admin_client: Client):
    add_domain(owner=UserFactory(), name="example.com")
    [error] = errors(admin_client, "a.example.com", user)
    assert error.startswith("Another account has this name, or a name above or below it. To prove")


def test_trouble_with_dns_is_told_with_the_proof(ses, user, dns, admin_client: Client):
    dns.answers(".", "SERVFAIL")
    [error] = errors(admin_client, "github.io", user)
    assert error.endswith("DNS could not be asked whether it is published.")


def test_published_records_in_the_way_are_an_error(ses, user, dns, admin_client: Client):
    dns.publish("example.com", "MX", "10 mx.example.net.")
    assert errors(admin_client, "example.com", user) == ["Domain has 1 MX record(s) - email already configured"]
    dns.publish("www.example.org", "CNAME", "elsewhere.example.net.")
    assert errors(admin_client, "www.example.org", user) == ["Domain has CNAME record(s) - conflicts with MX records"]


def test_the_mail_from_domain_of_another_domain_is_an_error(ses, user, dns, admin_client: Client):
    add_domain(owner=user, name="example.com")
    [error] = errors(admin_client, "mail.example.com", user)
    assert error.startswith("mail.example.com is the MAIL FROM domain of example.com")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("router.lan", ".lan is reserved. Mail for router.lan cannot arrive from the internet."),
        ("co.uk", "co.uk is a public suffix, below which others register domains. Add one of those domains."),
    ],
)
def test_a_name_that_nobody_can_own_is_an_error(ses, user, admin_client: Client, name, sentence):
    assert errors(admin_client, name, user) == [sentence]


def test_a_look_up_that_failed_is_a_warning(ses, user, dns, admin_client: Client):
    dns.answers("example.com", "SERVFAIL")
    response, messages = post(admin_client, ADD, name="example.com", owner=user.pk)
    assert response.status_code == 302
    [warning] = [message for level, message in messages if level == "warning"]
    assert "the DNS server answered SERVFAIL. Whether the domain receives mail elsewhere is not known." in warning
