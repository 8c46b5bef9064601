"""The command share_domain, and the admin."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError

from archives.models import Export
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
    delete = url("domains.domainaccess", "delete", access.pk)
    asked = text(admin_client.get(delete))
    assert "jo no longer sees example.com, its addresses and its mail." in asked
    assert "jo no longer changes its addresses, blocked emails and marks." in asked
    assert "Unshared: example.com for jo." in text(admin_client.post(delete, {"post": "yes"}, follow=True))
    assert not DomainAccess.objects.exists()
    assert "already been deleted" in text(admin_client.post(delete, {"post": "yes"}, follow=True))


def test_before_access_of_many_is_taken_back_it_says_what_each_loses(domain, jo, al, admin_client):
    """An export is not downloaded any more, and access that rests is named."""
    Export.objects.create(domain=domain, domain_name="example.com", account=al, bucket="b", state="ready")
    Export.objects.create(domain=domain, domain_name="example.com", account=domain.owner, bucket="b", state="ready")
    User.objects.filter(pk=jo.pk).update(is_active=False)
    chosen = {"action": "delete_selected", "_selected_action": list(DomainAccess.objects.values_list("pk", flat=True))}
    page = url("domains.domainaccess", "changelist")
    asked = text(admin_client.post(page, chosen))
    assert "1 export that al has made can no longer be downloaded." in asked
    assert asked.count("can no longer be downloaded") == asked.count("its access rests already") == 1
    assert "Access can be given again at any time." in asked
    assert DomainAccess.objects.count() == 2
    done = text(admin_client.post(page, {**chosen, "post": "yes"}, follow=True))
    assert "Unshared: example.com for" in done
    assert not DomainAccess.objects.exists()


def test_only_who_may_share_is_offered_to(domain, al, client):
    page = f"{url('domains.domain', 'change', domain.pk)}?tab=shares"
    staff(client, "domains.view_domain", "domains.view_domainaccess")
    assert "Share it" not in text(client.get(page))
    staff(client, "domains.view_domain", "domains.view_domainaccess", "domains.add_domainaccess")
    assert "Share it" in text(client.get(page))


def test_who_may_only_view_the_admin_changes_nothing(domain, al, client):
    staff(client, "domains.view_domain", "domains.view_domainaccess")
    access = DomainAccess.objects.get()
    assert client.post(url("domains.domainaccess", "delete", access.pk), {"post": "yes"}).status_code == 403
    assert DomainAccess.objects.exists()
