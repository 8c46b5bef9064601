"""The command share_domain, and the admin."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from domains.models import DomainAccess
from inbound.tests.support.admin_site import open_links, post, staff, text, url
from inbound.tests.support.factories import UserFactory
from ses_integration.tests.commands.run import run


def test_a_domain_is_shared_listed_and_taken_back(domain):
    UserFactory(username="jo")
    assert run("share_domain", "example.com") == (0, "Only its owner has access to example.com.\n")
    code, said = run("share_domain", "EXAMPLE.com.", "jo", "--role", "viewer")
    assert (code, said.splitlines()[0].split()) == (0, ["ACCOUNT", "ROLE", "ACTIVE", "SINCE"])
    code, said = run("share_domain", "example.com", "jo", "--role", "manager", "--json")
    [share] = json.loads(said)["shares"]
    assert (share["user"], share["role"], share["isActive"]) == ("jo", "manager", True)
    assert run("share_domain", "example.com", "jo", "--remove") == (0, "Only its owner has access to example.com.\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["example.org"], "There is no domain example.org."),
        (["example.com", "nobody", "--role", "viewer"], "There is no user 'nobody'."),
        (["example.com", "jo"], "Give --role viewer, --role manager or --remove."),
        (["example.com", "jo", "--remove"], "jo has no access to example.com. Nothing was changed."),
        (["example.com", "--remove"], "Give the name of the account, too."),
    ],
)
def test_what_it_cannot_do_it_says(domain, words, sentence):
    UserFactory(username="jo")
    with pytest.raises(CommandError, match=sentence):
        run("share_domain", *words)
    assert not DomainAccess.objects.exists()


def test_an_operator_shares_changes_and_takes_back_on_the_domains_page(domain, user, admin_client):
    page = f"{url('domains.domain', 'change', domain.pk)}?tab=shares"
    assert "Only its owner has access." in text(admin_client.get(page))
    jo = UserFactory(username="jo")
    add = url("domains.domainaccess", "add")
    post(admin_client, add, domain=domain.pk, user=jo.pk, role="viewer")
    access = DomainAccess.objects.get()
    assert "jo" in text(admin_client.get(page))
    assert open_links(admin_client, page)
    post(admin_client, url("domains.domainaccess", "change", access.pk), role="manager")
    access.refresh_from_db()
    assert access.role == "manager"
    refused = admin_client.post(add, {"domain": domain.pk, "user": user.pk, "role": "viewer"})
    assert "The domain belongs to this account." in text(refused)
    again = admin_client.post(add, {"domain": domain.pk, "user": jo.pk, "role": "viewer"})

    assert "already shared" in text(again)
    admin_client.post(url("domains.domainaccess", "delete", access.pk), {"post": "yes"})
    assert not DomainAccess.objects.exists()


def test_who_may_only_view_the_admin_changes_nothing(domain, al, client):
    staff(client, "domains.view_domain", "domains.view_domainaccess")
    access = DomainAccess.objects.get()
    assert client.post(url("domains.domainaccess", "delete", access.pk), {"post": "yes"}).status_code == 403
    assert DomainAccess.objects.exists()
