"""The command list_domains."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, UserFactory
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite


@pytest.fixture
def domains(ses):
    jo, al = UserFactory(username="jo"), UserFactory(username="al")
    EmailAddressFactory(domain=DomainFactory(owner=jo, name="b.example"), address="a@b.example")
    DomainFactory(owner=al, name="a.example", status="pending")


def test_all_domains_are_listed_by_name(domains):
    code, text = run("list_domains")
    assert code == 0
    assert [line.split() for line in text.splitlines() if not line.startswith("-")] == [
        ["DOMAIN", "STATUS", "OWNER", "ADDRESSES", "CATCH-ALL", "SES"],
        ["a.example", "pending", "al", "0", "off", "up", "to", "date"],
        ["b.example", "verified", "jo", "1", "off", "up", "to", "date"],
    ]


def test_user_status_and_limit_narrow_the_list(domains):
    assert "a.example" not in run("list_domains", "--user", "Jo")[1]
    assert "b.example" not in run("list_domains", "--status", "pending")[1]
    assert run("list_domains", "--limit", "1")[1].endswith("\n1 domain not shown: give --limit.\n")
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        run("list_domains", "--user", "nobody")
    assert run("list_domains", "--status", "failed")[1].startswith("There is no such domain.")


def test_json_has_every_published_field(domains):
    code, text = run("list_domains", "--json", "--user", "jo")
    told = json.loads(text)
    assert (code, told["total"]) == (0, 1)
    [shown] = told["domains"]
    assert shown.pop("id").startswith("indm_")
    assert shown.pop("createdAt").endswith("Z")
    assert shown == {
        "domain": "b.example",
        "owner": "jo",
        "status": "verified",
        "isBeingDeleted": False,
        "emailAddresses": 1,
        "isCatchAllEnabled": False,
        "canReceiveEmails": True,
        "sesState": "in line",
    }


def test_it_costs_the_same_for_many_domains(domains, django_assert_max_num_queries):
    for number in range(20):
        DomainFactory(name=f"c{number}.example")
    with django_assert_max_num_queries(3):
        run("list_domains")
