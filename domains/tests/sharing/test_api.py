"""`/domains/{id}/shares`."""

from __future__ import annotations

from addresses.models import EmailAddress
from audit.models import Change
from domains.models import DomainAccess
from domains.sharing.service import share
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from rest.access.roles import Deed, refusal


def url(domain, member=None) -> str:
    return f"/api/v2/domains/{domain.pk}/shares" + (f"/{member.pk}" if member else "")


def test_an_owner_shares_a_domain_and_sees_with_whom(api, domain):
    jo = UserFactory(username="jo")
    answer = api.post(url(domain), {"user": "jo", "role": "viewer"})
    assert answer.status_code == 201
    shown = answer.json()
    assert shown.pop("createdAt").endswith("Z")
    assert shown == {"userId": str(jo.pk), "user": "jo", "role": "viewer", "isActive": True}
    listed = api.get(url(domain)).json()
    assert [(row["user"], row["role"]) for row in listed["data"]] == [("jo", "viewer")]
    assert listed["pagination"] == {"limit": 50, "offset": 0, "total": 1, "hasMore": False}
    domain.refresh_from_db()
    assert domain.share_count == 1


def test_a_role_changes_and_access_ends(api, client_for, domain, al):
    address = f"/api/v2/domains/{domain.pk}"
    assert client_for(al).get(address).json()["role"] == "viewer"
    assert api.put(url(domain, al), {"role": "manager"}).json()["role"] == "manager"
    assert client_for(al).get(address).json()["role"] == "manager"
    assert api.delete(url(domain, al)).json() == {
        "success": True,
        "message": "al no longer has access to example.com",
    }
    assert client_for(al).get(address).status_code == 404
    assert api.delete(url(domain, al)).status_code == 404
    domain.refresh_from_db()
    assert domain.share_count == 0
    said = [
        (change.action, change.before, change.after)
        for change in Change.objects.filter(object_type="domains.domainaccess").order_by("pk")
    ]
    assert said[1:] == [
        ("changed", {"role": "viewer"}, {"role": "manager"}),
        ("deleted", {"user": "al", "role": "manager"}, None),
    ]


def test_what_cannot_be_shared_is_refused_with_a_sentence(api, user, domain, jo):
    UserFactory(username="away", is_active=False)
    for body, status, sentence in [
        ({"user": "nobody", "role": "viewer"}, 400, "There is no active account with this name."),
        ({"user": "away", "role": "viewer"}, 400, "There is no active account with this name."),
        ({"user": user.username, "role": "viewer"}, 400, "The domain belongs to this account."),
        ({"user": "jo", "role": "owner"}, 400, "role must be one of: viewer, manager"),
        ({"user": "jo"}, 400, "Missing required fields"),
        ({"user": "jo", "role": "viewer"}, 409, "The domain is already shared with this account."),
    ]:
        answer = api.post(url(domain), body)
        assert (answer.status_code, answer.json()["error"][: len(sentence)]) == (status, sentence)
    assert DomainAccess.objects.get().role == "manager"


def test_nobody_but_the_owner_sees_or_changes_who_has_access(client_for, domain, jo, al):
    for member, other, status in ((jo, al, 403), (al, jo, 403), (UserFactory(), al, 404)):
        client = client_for(member)
        assert client.get(url(domain)).status_code == status
        assert client.post(url(domain), {"user": "al", "role": "manager"}).status_code == status
        assert client.put(url(domain, other), {"role": "manager"}).status_code == status
        assert client.delete(url(domain, other)).status_code == status
    assert set(DomainAccess.objects.values_list("user__username", "role")) == {("jo", "manager"), ("al", "viewer")}


def test_a_manager_routes_to_endpoints_of_the_owner_only(client_for, user, domain, jo):
    theirs, own = EndpointFactory(owner=user, name="CRM"), EndpointFactory(owner=jo)
    address = EmailAddressFactory(domain=domain)
    path = f"/api/v2/email-addresses/{address.pk}"
    assert client_for(jo).put(path, {"endpointId": own.pk}).status_code == 404
    shown = client_for(jo).put(path, {"endpointId": theirs.pk}).json()["routing"]
    assert shown == {"type": "endpoint", "id": theirs.pk, "name": "CRM", "isActive": True}
    catch_all = {"isCatchAllEnabled": True, "catchAllEndpointId": own.pk}
    assert client_for(jo).put(f"/api/v2/domains/{domain.pk}", catch_all).status_code == 400
    catch_all["catchAllEndpointId"] = theirs.pk
    assert client_for(jo).put(f"/api/v2/domains/{domain.pk}", catch_all).json()["catchAllEndpoint"]["name"] == "CRM"


def test_the_owner_reads_who_did_it_and_the_manager_does_not_read_the_owners_log(api, client_for, domain, jo):
    client_for(jo).post("/api/v2/email-addresses", {"address": "new@example.com", "domainId": domain.pk})
    newest = api.get("/api/v2/audit-log?objectType=emailAddress").json()["data"][0]
    assert (newest["who"], newest["via"], newest["key"], newest["remoteAddress"]) == ("jo", "role manager", None, None)
    assert client_for(jo).get("/api/v2/audit-log?objectType=emailAddress").json()["data"] == []


def test_own_and_shared_domains_are_one_list_with_one_total(client_for, domain, al):
    own = DomainFactory(owner=al, name="own.example.com")
    EmailAddressFactory(domain=own), EmailAddressFactory(domain=domain), EmailAddressFactory()
    shown = client_for(al).get("/api/v2/domains").json()
    assert {row["domain"]: row.get("role") for row in shown["data"]} == {
        "own.example.com": None,
        "example.com": "viewer",
    }
    assert shown["meta"]["totalCount"] == 2
    assert client_for(al).get("/api/v2/email-addresses").json()["pagination"]["total"] == 2
    assert client_for(al).get("/api/v2/email-addresses?domain=example.com").json()["pagination"]["total"] == 1


def test_of_many_addresses_a_role_deletes_what_it_may_and_says_why_the_others_stay(client_for, user, domain, al):
    managed = DomainFactory(owner=user, name="managed.example.com")
    share(domain=managed, user=al, role="manager")
    rows = [EmailAddressFactory(domain=it) for it in (domain, managed, DomainFactory(owner=al), DomainFactory())]
    read, deleted, own, foreign = (row.pk for row in rows)
    answer = client_for(al).post("/api/v2/email-addresses/bulk-delete", {"ids": [read, deleted, own, foreign]})
    assert (answer.status_code, answer.json()["summary"]["deleted"]) == (200, 2)
    assert [(row["id"], row["deleted"], row.get("error")) for row in answer.json()["results"]] == [
        (read, False, refusal(Deed.CHANGE_ADDRESSES)),
        (deleted, True, None),
        (own, True, None),
        (foreign, False, "Email address not found"),
    ]
    assert set(EmailAddress.objects.values_list("pk", flat=True)) == {read, foreign}
    via = dict(Change.objects.filter(action="deleted").values_list("object_id", "via"))
    assert via == {deleted: "role manager", own: ""}
