"""What a domain's deletion plan says."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addresses.models import EmailAddress
from domains.tests.plan_requests import DOMAINS, delete, plan_of, plan_url
from inbound.tests.support.aws import calls, fail_calls, store_mail
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    MessageFactory,
    ReceivedEmailFactory,
    UserFactory,
)
from rest.fields import timestamp
from ses_integration.models import LedgerEntry

RULE = "inbound-example.com-rule"
ELSEWHERE = "A previously configured region or rule set may still receive mail for this name. Run ses_cleanup."


@pytest.fixture
def full(domain, user, ses):
    """`example.com` with two addresses, one of them routed, a blocked email, an MX record, and stored mail for two recipients."""
    endpoint = EndpointFactory(owner=user, name="CRM")
    EmailAddressFactory(domain=domain, address="a@example.com", endpoint=endpoint)
    EmailAddressFactory(domain=domain, address="b@example.com")
    BlockedEmailFactory(domain=domain)
    DnsRecordFactory(
        domain=domain, record_type="MX", name="example.com", value="10 inbound-smtp.eu-west-1.amazonaws.com"
    )
    message = MessageFactory(domain=domain, ses_id="mail-1", attachment_count=3, size=700)
    ReceivedEmailFactory.create_batch(2, message=message)
    store_mail(message.key)
    ses.clear_journal()
    return domain


def test_the_plan_lists_what_is_deleted_and_what_stays(api, full, user, ses, dns):
    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com")
    below = DomainFactory(owner=user, name="sub.example.com")
    ses.clear_journal()
    plan = plan_of(api, full)
    token, at, digest = plan.pop("token"), plan.pop("sesConfirmedAt"), plan["rows"].pop("digest")
    assert token.startswith("plan_")
    assert at
    assert len(digest) == 16
    assert plan == {
        "domain": {"id": full.pk, "name": "example.com", "isCatchAllEnabled": False},
        "isCertain": True,
        "receiptRules": [
            {
                "name": RULE,
                "before": ["a@example.com", "b@example.com"],
                "after": None,
                "isConfirmed": True,
                "inDoubt": [],
                "hasOthers": False,
            }
        ],
        "sesIdentity": {"outcome": "deleted", "note": None},
        "sesCalls": {
            "calls": [
                {"action": "DeleteReceiptRule", "name": RULE, "when": "now"},
                {"action": "DeleteEmailIdentity", "name": "example.com", "when": "now"},
            ],
            "count": 2,
            "seconds": 0.0,
            "waiting": [],
            "problem": None,
        },
        "sesProblems": [],
        "receivedEmails": {"emails": 2, "attachments": 3, "bytes": 700},
        "storedMail": {
            "outcome": "erased",
            "location": f"s3://inbound-mail/{full.key_prefix}",
            "objects": 1,
            "versions": 1,
            "bytes": 4,
            "complete": True,
            "problem": None,
        },
        "rows": {
            "blockedEmails": 1,
            "emailAddresses": 2,
            "activeEmailAddresses": 2,
            "dnsRecords": 1,
        },
        "stays": {
            "subdomains": [below.name],
            "endpoints": [
                {
                    "id": user.endpoints.get().pk,
                    "name": "CRM",
                    "type": "webhook",
                    "emailAddresses": 1,
                    "isCatchAll": False,
                    "isUsedElsewhere": False,
                    "forwardsTo": [],
                    "sendsFrom": None,
                }
            ],
            "dnsRecords": [
                {
                    "type": "MX",
                    "name": "example.com",
                    "value": "10 inbound-smtp.eu-west-1.amazonaws.com",
                    "purpose": "mail is sent to SES",
                    "state": "published",
                    "found": ["10 inbound-smtp.eu-west-1.amazonaws.com"],
                    "why": None,
                    "hint": None,
                }
            ],
        },
    }
    assert calls(ses) == []


def test_a_failed_call_does_not_count_as_confirmed(api, full, ses, dns, impatient):
    confirmed = plan_of(api, full)["sesConfirmedAt"]
    fail_calls(ses)
    EmailAddressFactory(domain=full, address="c@example.com")
    assert calls(ses) == ["UpdateReceiptRule"]
    identity = LedgerEntry.objects.get(kind="identity").changed_at
    assert plan_of(api, full)["sesConfirmedAt"] == timestamp(identity) < confirmed
    LedgerEntry.objects.update(presence="unknown")
    assert plan_of(api, full)["sesConfirmedAt"] is None


def test_the_plan_tells_how_long_its_calls_take(api, full, settings):
    settings.SES_CALLS_PER_SECOND = 0.5
    assert plan_of(api, full)["sesCalls"]["seconds"] == 4.0


def test_the_plan_tells_what_could_not_be_looked_up(api, full, ses, settings):
    settings.DNS_RESOLVERS = ["127.0.0.1:9"]
    ses.add_faults({"service": "s3", "fault": "access_denied", "times": None})
    plan = plan_of(api, full)
    assert plan["isCertain"] is False
    mail = plan["storedMail"]
    assert (mail["objects"], mail["versions"], mail["bytes"], mail["complete"]) == (None, None, None, False)
    assert (
        mail["problem"]
        == "AWS does not allow s3:ListBucketVersions on inbound-mail; the credentials lack a permission."
    )
    [record] = plan["stays"]["dnsRecords"]
    assert (record["state"], record["why"]) == ("unknown", "The DNS server cannot be reached.")


def test_the_plan_tells_that_mail_is_kept(api, full, dns, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    assert plan_of(api, full)["storedMail"]["outcome"] == "kept"


@pytest.mark.parametrize("missing", ["region", "credentials"])
def test_the_plan_tells_which_configuration_is_missing(api, full, dns, request, missing):
    request.getfixturevalue(f"no_{missing}")
    plan = plan_of(api, full)
    assert plan["isCertain"] is False
    assert plan["storedMail"]["problem"] == "AWS region or credentials are missing."
    assert plan["sesCalls"]["problem"] == "AWS region or credentials are missing."


@pytest.mark.parametrize(("setting", "value"), [("SES_RULE_SET", "another"), ("AWS_REGION", "us-east-1")])
def test_the_plan_mentions_what_a_previous_region_or_rule_set_may_still_hold(
    api, full, ses, dns, settings, setting, value
):
    setattr(settings, setting, value)
    plan = plan_of(api, full)
    assert (plan["isCertain"], plan["receiptRules"], plan["sesProblems"]) == (False, [], [ELSEWHERE])
    assert plan["sesIdentity"]["note"] not in (None, "SES is known to hold none.")
    address = api.get(f"/api/v2/email-addresses/{full.email_addresses.first().pk}/deletion-plan").json()
    assert (address["isCertain"], address["sesProblems"]) == (False, [ELSEWHERE])


def test_the_plan_distinguishes_endpoints_that_other_domains_use(api, full, user, dns):
    other = DomainFactory(owner=user)
    EmailAddressFactory(domain=other, endpoint=user.endpoints.get())
    [endpoint] = plan_of(api, full)["stays"]["endpoints"]
    assert endpoint["isUsedElsewhere"] is True


def test_use_of_an_endpoint_by_another_user_is_not_revealed(api, full, user):
    """The other domain once had the same owner."""
    EmailAddressFactory(domain=DomainFactory(), endpoint=user.endpoints.get())
    DomainFactory(is_catch_all_enabled=True, catch_all_endpoint=user.endpoints.get())
    [endpoint] = plan_of(api, full)["stays"]["endpoints"]
    assert endpoint["isUsedElsewhere"] is False


def test_an_endpoint_that_names_an_address_of_the_domain_is_listed(api, full, user, dns):
    own = {
        "forwards": ("email", {"forwardTo": "Sales@Example.COM", "fromAddress": "Shop <noreply@example.com>"}),
        "group": ("email_group", {"emails": ["x@example.org", "a+x@example.com", "b@example.com"]}),
        "sends": ("email", {"forwardTo": "x@example.org", "fromAddress": "b@example.com"}),
        # Addresses of a subdomain and of a domain with the same ending, a key that this type does not have, and a broken row.
        "below": ("email", {"forwardTo": "a@sub.example.com", "emails": ["a@example.com"]}),
        "similar": (
            "email_group",
            {"emails": ["a@anexample.com", None], "fromAddress": 1, "forwardTo": "a@example.com"},
        ),
        "hook": ("webhook", {"url": "https://example.com/a@example.com", "forwardTo": "a@example.com"}),
        "unicode": ("email", {"forwardTo": "a@\u3002.example"}),
        "broken": ("email_group", []),
    }
    for name, (kind, config) in own.items():
        EndpointFactory(owner=user, name=name, type=kind, config=config)
    EndpointFactory(name="theirs", type="email", config={"forwardTo": "a@example.com"})
    EmailAddressFactory(domain=DomainFactory(owner=user), endpoint=user.endpoints.get(name="group"))
    found = {endpoint.pop("name"): endpoint for endpoint in plan_of(api, full)["stays"]["endpoints"]}
    assert found.pop("CRM")["emailAddresses"] == 1
    keys = ("emailAddresses", "isCatchAll", "isUsedElsewhere", "forwardsTo", "sendsFrom")
    assert {name: tuple(endpoint[key] for key in keys) for name, endpoint in found.items()} == {
        "forwards": (0, False, False, ["Sales@Example.COM"], "Shop <noreply@example.com>"),
        "group": (0, False, True, ["a+x@example.com", "b@example.com"], None),
        "sends": (0, False, False, [], "b@example.com"),
    }


def test_an_endpoint_that_names_the_domain_in_unicode_is_listed(api, user, ses, dns):
    domain = DomainFactory(owner=user, name="xn--bcher-kva.example.com")
    EndpointFactory(owner=user, type="email", config={"forwardTo": "a@b\u00fccher.example.com"})
    [endpoint] = plan_of(api, domain)["stays"]["endpoints"]
    assert endpoint["forwardsTo"] == ["a@b\u00fccher.example.com"]


def test_the_plan_reveals_nothing_of_other_users(api, client_for, full, dns):
    other = UserFactory()
    DomainFactory(owner=other, name="theirs.example.com")
    EmailAddressFactory(domain=full, endpoint=EndpointFactory(owner=other, name="Theirs"))
    EmailAddressFactory(domain=DomainFactory(owner=other), endpoint=EndpointFactory(owner=other))
    plan = plan_of(api, full)
    assert (plan["stays"]["subdomains"], [endpoint["name"] for endpoint in plan["stays"]["endpoints"]]) == ([], ["CRM"])
    theirs = client_for(other)
    for answer in (
        theirs.get(plan_url(full)),
        delete(theirs, full, dry_run="true"),
        delete(theirs, full, plan=plan["token"]),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found"})


def test_the_number_of_statements_does_not_depend_on_the_size_of_the_domain(api, user, ses, dns):
    statements = []
    for size in (2, 40):
        domain = DomainFactory(owner=user)
        for _ in range(size):
            EndpointFactory(owner=user)
        endpoints = list(user.endpoints.all())
        bulk = [
            EmailAddress(domain=domain, address=f"bulk{n}@{domain.name}", slot=n, endpoint=endpoints[n])
            for n in range(1, size)
        ]
        EmailAddress.objects.bulk_create(bulk)
        EmailAddressFactory(domain=domain)
        api.get(f"{DOMAINS}/{domain.pk}")
        with CaptureQueriesContext(connection) as captured:
            plan_of(api, domain)
        statements.append(len(captured))
    # The key and its owner 2, domain 1; ledger 3, its limit and clock 2, its last change 1, elsewhere 1; rows 3, names
    # below 1, endpoints 3, DNS records 1, mail 2.
    assert statements == [statements[0]] * 2
    assert statements[0] <= 20
