"""The command plan_delete."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from domains.deletion.service import delete_domain
from domains.models import Domain, DomainDeletion
from domains.tests.dns_server import dns_fixture  # noqa: F401
from inbound.tests.support.aws import calls, store_mail
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
)
from ses_integration.tests.commands.run import run

MX = "10 inbound-smtp.eu-west-1.amazonaws.com"


@pytest.fixture
def full(domain, user, ses, dns):
    EmailAddressFactory(domain=domain, address="a@example.com", endpoint=EndpointFactory(owner=user, name="CRM"))
    EmailAddressFactory(domain=domain, address="b@example.com", is_active=False)
    BlockedEmailFactory(domain=domain)
    DomainFactory(owner=user, name="sub.example.com")
    DnsRecordFactory(domain=domain, record_type="MX", name="example.com", value=MX)
    DnsRecordFactory(domain=domain, record_type="TXT", name="_amazonses.example.com", value="token")
    dns.publish("example.com", "MX", MX)
    store_mail(f"{domain.key_prefix}mail")
    ses.clear_journal()
    return domain


def without_moment(text: str) -> str:
    first, _, rest = text.partition("SES, as of ")
    return f"{first}SES{rest.partition(' UTC')[2]}" if rest else first


def test_the_plan_of_a_domain_is_printed(full, ses):
    code, out = run("plan_delete", "Example.COM")
    assert (code, without_moment(out)) == (
        0,
        f"""\
Plan for deleting example.com. Nothing has been changed.

SES:
- Receipt rule inbound-example.com-rule is deleted: a@example.com.
- SES identity: It was created by this installation, so it is deleted.

Calls to SES:
- DeleteReceiptRule inbound-example.com-rule
- DeleteEmailIdentity example.com

In the database:
- 1 blocked email, 2 email addresses (1 inactive), 2 DNS records

Stored mail:
- s3://inbound-mail/{full.key_prefix} is erased, with every version: 1 object, 1 version, 4 bytes.

Not deleted:
- 1 subdomain, unchanged: sub.example.com.
- Endpoint CRM: it receives the mail of 1 address, and no other mail.

DNS records to remove yourself:
- MX example.com (mail is sent to SES) is published: {MX}.
- The other records are gone.
""",
    )
    assert calls(ses) == []
    assert Domain.objects.live().count() == 2
    assert not DomainDeletion.objects.exists()


def test_the_plan_of_an_address_is_printed(full, ses):
    code, out = run("plan_delete", "a@example.com")
    assert (code, without_moment(out)) == (
        0,
        """\
Plan for deleting a@example.com. Nothing has been changed.

SES:
- Receipt rule inbound-example.com-rule is deleted: a@example.com.

Calls to SES:
- DeleteReceiptRule inbound-example.com-rule

Not deleted:
- Endpoint CRM, which receives its mail.
- Domain example.com, with 1 other email address and the stored mail.
""",
    )
    assert ses.journal() == []


def test_endpoints_that_name_an_address_are_printed(full, user):
    EndpointFactory(
        owner=user,
        name="Forwarder",
        type="email",
        config={"forwardTo": "a@example.com", "fromAddress": "b@example.com"},
    )
    EndpointFactory(owner=user, name="Group", type="email_group", config={"emails": ["a@example.com", "b@example.com"]})
    out = run("plan_delete", "example.com")[1]
    assert "- Endpoint CRM: it receives the mail of 1 address, and no other mail.\n" in out
    assert "- Endpoint Forwarder: it still forwards to a@example.com; it still sends from b@example.com.\n" in out
    assert "- Endpoint Group: it still forwards to a@example.com, b@example.com.\n" in out
    out = run("plan_delete", "a@example.com")[1]
    assert "- Endpoint Forwarder: it still forwards to a@example.com.\n" in out


def test_json_output_equals_the_answer_of_the_api(full, api):
    for name, path in (
        ("example.com", f"domains/{full.pk}"),
        ("a@example.com", f"email-addresses/{full.email_addresses.get(address='a@example.com').pk}"),
    ):
        code, out = run("plan_delete", name, "--json")
        assert (code, json.loads(out)) == (0, api.get(f"/api/v2/{path}/deletion-plan").json())


def test_an_uncertain_plan_exits_with_2(full, ses, settings):
    ses.add_faults({"service": "s3", "fault": "access_denied", "times": None})
    code, out = run("plan_delete", "example.com")
    assert code == 2
    assert "Its size could not be looked up: AWS does not allow s3:ListBucketVersions on inbound-mail" in out
    assert out.endswith("Not all of this is certain: what is unconfirmed or could not be looked up is marked above.\n")
    settings.AWS_REGION = ""
    assert run("plan_delete", "a@example.com")[0] == 2


def test_what_another_rule_set_may_still_hold_is_printed(full, settings):
    settings.SES_RULE_SET = "another"
    for name in ("example.com", "a@example.com"):
        code, out = run("plan_delete", name)
        assert code == 2
        assert "\n- A previously configured region or rule set may still receive mail for this name" in out


@pytest.mark.parametrize("name", ["example.org", "nobody@example.com", "nonsense", "a@b@", ""])
def test_an_unknown_name_is_an_error(full, name):
    with pytest.raises(CommandError, match="There is no "):
        run("plan_delete", name)


def test_leftovers_of_an_earlier_domain_are_mentioned_without_names(domain, ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    for slot in range(3):
        EmailAddressFactory(domain=domain, address=f"secret{slot}@example.com", slot=slot)
    settings.SES_REQUEST_BUDGET = 0
    delete_domain(domain=domain, requested_by="me")
    EmailAddressFactory(domain=DomainFactory(name="example.com"), address="secret0@example.com")
    others = "It contains, or may still receive, recipients that are no longer addresses of the domain; they are removed as well."
    left_over = "SES may still hold rules for addresses that the domain no longer has"
    for name in ("example.com", "secret0@example.com"):
        code, out = run("plan_delete", name)
        assert code == 2
        assert f"- Receipt rule inbound-example.com-rule is deleted: secret0@example.com. {others}\n" in out
        assert left_over in out
        assert "secret1" not in out
        assert "-rule-2" not in out


def test_a_rule_that_stays_loses_recipients_of_an_earlier_domain(domain, ses, settings):
    EmailAddressFactory(domain=domain, address="secret@example.com")
    EmailAddressFactory(domain=domain, address="a@example.com")
    settings.SES_REQUEST_BUDGET = 0
    delete_domain(domain=domain, requested_by="me")
    domain = DomainFactory(name="example.com")
    EmailAddressFactory(domain=domain, address="a@example.com")
    EmailAddressFactory(domain=domain, address="new@example.com")
    _, out = run("plan_delete", "new@example.com")
    assert (
        "- Receipt rule inbound-example.com-rule keeps a@example.com. It contains, or may still receive, recipients"
        in out
    )


@pytest.mark.parametrize("name", ["bücher.de", "BÜCHER.DE.", " xn--bcher-kva.de ", "Hello@bücher.de."])
def test_names_are_understood_as_people_write_them(domain, user, ses, dns, name):
    unicode = DomainFactory(owner=user, name="xn--bcher-kva.de")
    EmailAddressFactory(domain=unicode, address="hello@xn--bcher-kva.de")
    expected = "hello@xn--bcher-kva.de" if "@" in name else "xn--bcher-kva.de"
    assert f"Plan for deleting {expected}." in run("plan_delete", name)[1]


def test_a_url_is_an_error_that_names_the_domain(full):
    with pytest.raises(CommandError, match=r"There is no .* a URL or a path: give the name alone, example\.com"):
        run("plan_delete", "https://example.com/")
