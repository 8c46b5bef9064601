"""`DELETE /domains/{id}/shares/me`: a member leaves a shared domain."""

from __future__ import annotations

import pytest

from audit.models import Change
from domains.models import DomainAccess
from inbound.models import Scope
from inbound.tests.support.factories import UserFactory


def url(domain, part) -> str:
    return f"/api/v2/domains/{domain.pk}/shares/{part}"


@pytest.mark.parametrize("role", ["viewer", "manager"])
@pytest.mark.parametrize("by_id", [True, False])
def test_a_member_leaves_and_the_owner_reads_it(role, by_id, api, client_for, domain, jo, al):
    member = al if role == "viewer" else jo
    client = client_for(member)
    answer = client.delete(url(domain, member.pk if by_id else "me"))
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": f"{member.username} no longer has access to example.com"}
    assert client.get(f"/api/v2/domains/{domain.pk}").status_code == 404
    assert client.delete(url(domain, "me")).status_code == 404
    assert DomainAccess.objects.filter(domain=domain).count() == 1
    domain.refresh_from_db()
    assert domain.share_count == 1
    newest = api.get("/api/v2/audit-log").json()["data"][0]
    assert (newest["action"], newest["objectType"], newest["who"]) == ("given up", "access", member.username)
    assert newest["before"] == {"user": member.username, "role": role}
    assert Change.objects.latest("pk").via == f"role {role}"


def test_only_their_own_access_is_theirs_to_give_up(api, client_for, domain, user, jo, al):
    for client, part, status in (
        (client_for(jo), al.pk, 403),
        (client_for(jo), user.pk, 403),
        (client_for(jo), f"0{jo.pk}", 403),
        (client_for(UserFactory()), "me", 404),
        (api, "me", 404),
        (api, user.pk, 404),
    ):
        assert client.delete(url(domain, part)).status_code == status, part
    assert client_for(jo).put(url(domain, "me"), {"role": "viewer"}).status_code == 403
    assert set(DomainAccess.objects.values_list("user__username", "role")) == {("jo", "manager"), ("al", "viewer")}


def test_a_key_needs_the_scope_delete_as_for_every_delete(client_for, domain, al):
    refused = client_for(al, Scope.READ, Scope.WRITE).delete(url(domain, "me"))
    assert (refused.status_code, DomainAccess.objects.count()) == (403, 1)
    assert client_for(al, Scope.DELETE).delete(url(domain, "me")).status_code == 200


def test_who_has_left_can_be_given_access_again(api, client_for, domain, al):
    client_for(al).delete(url(domain, "me"))
    shares = f"/api/v2/domains/{domain.pk}/shares"
    assert api.post(shares, {"user": "al", "role": "manager"}).status_code == 201
    assert client_for(al).get(f"/api/v2/domains/{domain.pk}").json()["role"] == "manager"
